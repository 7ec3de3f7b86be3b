/** When each step of a start was done, ms since it was asked for. Steps may go on side by side. */
export type StepTimes = Readonly<Record<string, number>>;

/** Notes the steps of a start. */
export class StepClock {
  private readonly clock: () => number;
  private readonly startedAt: number;
  private readonly doneAt: Record<string, number> = {};

  /** @param startedAt by the same clock */
  constructor(clock: () => number, startedAt: number) {
    this.clock = clock;
    this.startedAt = startedAt;
  }

  done(step: string): void {
    this.doneAt[step] = this.clock() - this.startedAt;
  }

  get times(): StepTimes {
    return this.doneAt;
  }
}
