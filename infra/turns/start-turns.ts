import type { Scheduling } from "../../stream/index.ts";
import type { RunClaims } from "./run-claims.ts";

/** A turn that failed is taken again after this. */
const RETRY_MS = 600_000;
/** Lets a platform that has just started write its first rows. */
const START_DELAY_MS = 60_000;
/** Longest wait that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface TurnsDeps {
  /** Time between turns; 0 for none. */
  readonly intervalMs: number;
  readonly clock: () => number;
  readonly after: Scheduling["after"];
  readonly claims: RunClaims;
  /**
   * What a turn does. Rejects where it is to be done again, and when `signal` is aborted.
   *
   * @param renew to be called now and then by what takes long: else the turn is taken for that of a killed process
   */
  readonly run: (signal: AbortSignal, renew: () => Promise<void>) => Promise<void>;
  /** What every process does behind a turn, whoever had it. */
  readonly look?: (signal: AbortSignal) => Promise<void>;
  /** Told of each turn that failed, unless it was given up. */
  readonly onFailure: (error: unknown) => void;
}

export interface Turns {
  /** Gives a turn under way up, and resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Runs something once in every turn of an interval, of all processes of the platform in one: who claims the turn.
 * Never two at a time; a turn that fails is given back, and taken again later.
 */
export function startTurns(deps: TurnsDeps): Turns {
  const { intervalMs, clock, after, claims } = deps;
  const stop = new AbortController();
  let cancel = (): void => undefined;
  let running: Promise<void> = Promise.resolve();

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
      if (await claims.claim(start)) await claimed(start);
      await deps.look?.(stop.signal);
      return start + intervalMs;
    } catch (error) {
      if (!stop.signal.aborted) deps.onFailure(error);
      return clock() + Math.min(RETRY_MS, intervalMs);
    }
  }

  async function claimed(start: number): Promise<void> {
    try {
      await deps.run(stop.signal, () => claims.renew(start));
      await claims.finish(start);
    } catch (error) {
      await claims.release(start).catch(() => undefined);
      throw error;
    }
  }

  if (intervalMs > 0) plan(clock() + Math.min(START_DELAY_MS, intervalMs));
  return {
    async stop() {
      stop.abort();
      cancel();
      await running;
    },
  };
}
