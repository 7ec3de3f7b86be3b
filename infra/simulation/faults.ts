/** What goes wrong between a process and what it talks to. Shares are of requests, 0 to 1. */
export interface Faults {
  /** One way, on average; exponentially distributed. */
  readonly delayMsMean: number;
  /** Requests that take far longer, so that others overtake them. */
  readonly slowShare: number;
  readonly slowMsMax: number;
  /** The request never arrives; its sender is told after the time-out. */
  readonly lostRequestShare: number;
  /** It was done, and its sender is told the same. */
  readonly lostAnswerShare: number;
  /** It arrives twice, the second time later, and either one's answer counts. */
  readonly twiceShare: number;
  /** Commits that a rival comes before. */
  readonly rivalShare: number;
  /** Reads and listings that give only a part at once. */
  readonly partShare: number;
  /** Looks at the log that bring the news of all appends. */
  readonly newsShare: number;
  /** Of what a dead process had sent, what still arrives. */
  readonly lateShare: number;
  /** Time that a batch of records computes. */
  readonly computeMsMax: number;
  readonly timeoutMs: number;
}

/** At once and in order. */
export const noFaults: Faults = {
  delayMsMean: 0,
  slowShare: 0,
  slowMsMax: 0,
  lostRequestShare: 0,
  lostAnswerShare: 0,
  twiceShare: 0,
  rivalShare: 0,
  partShare: 0,
  newsShare: 0,
  lateShare: 0,
  computeMsMax: 0,
  timeoutMs: 0,
};

/** Answers come in another order than their requests were sent, and that is all. */
export const onlyDelays: Faults = {
  ...noFaults,
  delayMsMean: 2,
  slowShare: 0.05,
  slowMsMax: 30,
  partShare: 0.3,
};

/** A network on a good day: what the reference runs on, and every run after its last fault. */
export const calmFaults: Faults = { ...noFaults, delayMsMean: 1, computeMsMax: 2 };
