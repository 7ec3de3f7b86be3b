import type { QualityStatus } from "../../lakehouse/index.ts";
import type { Scheduling } from "../../stream/index.ts";
import type { PlatformLogger } from "../platform/pipeline-runner.ts";
import type { RunClaims } from "./run-claims.ts";
import type { QualityReport } from "./run-quality.ts";

/** A run that failed is tried again after this. */
const RETRY_MS = 600_000;
/** Lets a platform that has just started write its first rows. */
const START_DELAY_MS = 60_000;
/** Longest wait that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface ScheduleDeps {
  /** Time between runs; 0 for none. */
  readonly intervalMs: number;
  readonly clock: () => number;
  readonly after: Scheduling["after"];
  readonly claims: RunClaims;
  readonly run: (signal: AbortSignal) => Promise<QualityReport>;
  readonly logger: PlatformLogger;
}

export interface ScheduledQuality {
  status(): QualityStatus;
  /** Gives a run under way up, and resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Checks the tables in every turn of the interval, of all processes of the platform once: who claims the
 * turn runs it. Never two runs at a time; one that fails is logged, counted, and tried again.
 */
export function startQuality(deps: ScheduleDeps): ScheduledQuality {
  const { intervalMs, clock, after, logger } = deps;
  const stop = new AbortController();
  let cancel = (): void => undefined;
  let running: Promise<void> = Promise.resolve();
  let status: QualityStatus = { runs: 0, failures: 0, newest: null };

  function plan(due: number): void {
    if (stop.signal.aborted) return;
    const wait = Math.max(0, due - clock());
    cancel = after(Math.min(wait, TIMER_MS_MAX), () => {
      if (clock() < due) plan(due);
      else running = turn().then(plan);
    });
  }

  /** Resolves with the time of the next turn; never rejects. */
  async function turn(): Promise<number> {
    // Its start, not its number: turns follow one another also where the interval was changed.
    const start = Math.floor(clock() / intervalMs) * intervalMs;
    try {
      if (await deps.claims.claim(start)) await claimed(start);
      return start + intervalMs;
    } catch (err) {
      if (!stop.signal.aborted) {
        status = { ...status, failures: status.failures + 1 };
        logger.warn({ err }, "the tables could not be checked; it is tried again");
      }
      return clock() + Math.min(RETRY_MS, intervalMs);
    }
  }

  async function claimed(start: number): Promise<void> {
    try {
      const { checkedAt, results, seconds } = await deps.run(stop.signal);
      await deps.claims.finish(start);
      status = { ...status, runs: status.runs + 1, newest: { checkedAt, results } };
      const count = (wanted: string): number => results.filter((result) => result.status === wanted).length;
      for (const { table, check, severity, status: came, measured, threshold, rows, note } of results) {
        if (came === "failed")
          logger.warn(
            { table, check, severity, measured, threshold, rows, note },
            "a check of the data failed",
          );
      }
      const counts = { passed: count("passed"), failed: count("failed"), unknown: count("unknown") };
      logger.info({ ...counts, seconds }, "the tables were checked");
    } catch (error) {
      await deps.claims.release(start).catch(() => undefined);
      throw error;
    }
  }

  if (intervalMs > 0) plan(clock() + Math.min(START_DELAY_MS, intervalMs));
  return {
    status: () => status,
    async stop() {
      stop.abort();
      cancel();
      await running;
    },
  };
}
