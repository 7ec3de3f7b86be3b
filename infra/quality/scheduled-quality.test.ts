import { describe, expect, it } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import type { RunClaims } from "../turns/run-claims.ts";
import type { RecordedResult } from "./quality-rows.ts";
import type { QualityReport } from "./run-quality.ts";
import { type ScheduledQuality, startQuality } from "./scheduled-quality.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 5, 8, 10);

/** Time that moves when it is told to: timers call back in their order. */
class ManualTime {
  now = START;
  private timers: { readonly at: number; readonly callback: () => void }[] = [];

  readonly clock = (): number => this.now;
  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.now + ms, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  };

  get waiting(): number {
    return this.timers.length;
  }

  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settled();
      const [next] = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.callback();
    }
    this.now = end;
  }
}

/** Lets promises and the files that claims are go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Claims in memory, in the way of the store's. */
function claimsInMemory(): RunClaims {
  let newest = -1;
  let done = true;
  return {
    async claim(turn) {
      if (newest >= turn || !done) return false;
      newest = turn;
      done = false;
      return true;
    },
    async renew() {},
    async finish() {
      done = true;
    },
    async release() {
      newest = -1;
      done = true;
    },
  };
}

interface Process {
  readonly scheduled: ScheduledQuality;
  readonly began: number[];
  readonly warnings: { readonly fields: object; readonly message: string }[];
}

const report = (time: ManualTime): QualityReport => ({ checkedAt: time.now, results: [], seconds: 0 });

function start(
  time: ManualTime,
  claims: RunClaims,
  run: (signal: AbortSignal) => Promise<QualityReport> = async () => report(time),
  intervalMs = HOUR,
): Process {
  const began: number[] = [];
  const warnings: Process["warnings"] = [];
  const warn = (fields: object, message: string): void => void warnings.push({ fields, message });
  const scheduled = startQuality({
    ...{ intervalMs, clock: time.clock, after: time.after, claims },
    run(signal) {
      began.push(time.now);
      return run(signal);
    },
    logger: { info: () => undefined, warn, error: warn },
  });
  return { scheduled, began, warnings };
}

describe("scheduled checks", () => {
  it("run once in every turn, the first soon after the start", async () => {
    const time = new ManualTime();
    const { scheduled, began } = start(time, claimsInMemory());
    await time.pass(3 * HOUR);
    expect(began.map((at) => at - START)).toEqual([MINUTE, 50 * MINUTE, 110 * MINUTE, 170 * MINUTE]);
    expect(scheduled.status()).toMatchObject({ runs: 4, failures: 0, newest: { checkedAt: began[3] } });
    await scheduled.stop();
    expect(time.waiting).toBe(0);
  });

  it("are run by one of several processes, and by another when that one is gone", async () => {
    const time = new ManualTime();
    const claims = claimsInMemory();
    const one = start(time, claims);
    await time.pass(10);
    const other = start(time, claims);
    await time.pass(HOUR);
    expect([one.began.length, other.began.length]).toEqual([2, 0]);
    await one.scheduled.stop();
    await time.pass(HOUR);
    expect([one.began.length, other.began.length]).toEqual([2, 1]);
    await other.scheduled.stop();
  });

  it("never run beside themselves, however long one takes", async () => {
    const time = new ManualTime();
    let running = 0;
    let most = 0;
    const { scheduled, began } = start(time, claimsInMemory(), async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => time.after(150 * MINUTE, resolve));
      running -= 1;
      return report(time);
    });
    await time.pass(6 * HOUR);
    expect(most).toBe(1);
    expect(began.map((at) => at - START)).toEqual([MINUTE, 151 * MINUTE, 301 * MINUTE]);
    const stopping = scheduled.stop();
    await time.pass(3 * HOUR);
    await stopping;
  });

  it("do not begin in one process while another one's last, however long that takes", async () => {
    const time = new ManualTime();
    const claims = claimsInMemory();
    const slow = async (): Promise<QualityReport> => {
      await new Promise<void>((resolve) => time.after(90 * MINUTE, resolve));
      return report(time);
    };
    const one = start(time, claims, slow);
    const other = start(time, claims, slow);
    await time.pass(5 * HOUR);
    const began = [...one.began, ...other.began].sort((a, b) => a - b);
    expect(began.length).toBeGreaterThan(1);
    for (const [i, at] of began.entries())
      if (i > 0) expect(at - began[i - 1]).toBeGreaterThanOrEqual(90 * MINUTE);
    const stopping = Promise.all([one.scheduled.stop(), other.scheduled.stop()]);
    await time.pass(2 * HOUR);
    await stopping;
  });

  it("that fail are logged, counted, and tried again", async () => {
    const time = new ManualTime();
    let failures = 1;
    const { scheduled, began, warnings } = start(time, claimsInMemory(), async () => {
      if (failures-- > 0) throw new MillraceError("no", { code: "query-failed", origin: "external" });
      return report(time);
    });
    await time.pass(30 * MINUTE);
    expect(began.map((at) => at - START)).toEqual([MINUTE, 11 * MINUTE]);
    expect(scheduled.status()).toMatchObject({ runs: 1, failures: 1 });
    expect(warnings.map(({ message }) => message)).toEqual([
      "the tables could not be checked; it is tried again",
    ]);
    await scheduled.stop();
  });

  it("log each check that failed", async () => {
    const time = new ManualTime();
    const result: RecordedResult = {
      table: "silver.events",
      check: "key-unique",
      kind: "uniqueness",
      severity: "error",
      status: "failed",
      ...{ measured: 2, threshold: 0, rows: 9, since: null, sample: null },
      ...{ snapshotId: null, note: null, failingSince: START },
    };
    const { scheduled, warnings } = start(time, claimsInMemory(), async () => ({
      ...report(time),
      results: [result, { ...result, check: "fresh", status: "passed" }],
    }));
    await time.pass(2 * MINUTE);
    expect(warnings).toEqual([
      {
        fields: expect.objectContaining({ table: "silver.events", check: "key-unique", measured: 2 }),
        message: "a check of the data failed",
      },
    ]);
    await scheduled.stop();
  });

  it("under way are given up when the platform stops, without a word", async () => {
    const time = new ManualTime();
    const { scheduled, warnings } = start(
      time,
      claimsInMemory(),
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
        }),
    );
    await time.pass(2 * MINUTE);
    await scheduled.stop();
    await settled();
    expect([warnings, time.waiting]).toEqual([[], 0]);
  });

  it("go on where the interval was changed", async () => {
    const time = new ManualTime();
    const claims = claimsInMemory();
    const before = start(time, claims);
    await time.pass(2 * MINUTE);
    await before.scheduled.stop();
    const after = start(time, claims, undefined, 3 * HOUR);
    await time.pass(3 * HOUR);
    expect([before.began.length, after.began.length]).toEqual([1, 1]);
    await after.scheduled.stop();
  });

  it("are off with an interval of 0", async () => {
    const time = new ManualTime();
    const { scheduled } = start(time, claimsInMemory(), undefined, 0);
    expect(time.waiting).toBe(0);
    await scheduled.stop();
  });
});
