import { MillraceError } from "../../schema/index.ts";

export interface RetryOptions {
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads racing writers. */
  readonly random: () => number;
  /** Current time, ms: tells how long an attempt takes. Without it waits start from their minimum. */
  readonly clock?: () => number;
  /** Tries of one commit before its error is passed on (default 20). */
  readonly attemptsMax?: number;
  /** Hears of each further try, with the error code of the one before. */
  readonly onRetry?: (table: string, code: string) => void;
}

const ATTEMPTS_MAX = 20;
const BACKOFF_MS_MIN = 40;
const BACKOFF_MS_MAX = 30_000;
/**
 * The first wait after a lost race is up to so many durations of an attempt, and doubles: writers that
 * lost the same one then mostly find an attempt's time for themselves, however slow the catalog is. Of
 * eight writers that commit without a pause, the 95th percentile of retries stays within 3
 * (commit-retry.test.ts; with 8 durations, and where attempts take so long that the longest wait binds,
 * it is 4 now and then). With a first wait of 20 ms, whatever an attempt took, it was 6 or 7.
 */
const BACKOFF_ATTEMPTS = 12;
/**
 * More of an attempt does not count, it waited for a server that was away; and where the first takes
 * longer, nothing is known yet: the next one tells.
 */
const ATTEMPT_MS_MAX = 600;
/** Where no race was lost: the server may be back, and the ports have waited between their own tries. */
const FAILURE_BACKOFF_MS_MAX = 1_000;

/**
 * Runs one attempt of a commit until it is through. An attempt must load the table and look whether
 * its work is done before it does it: after a lost answer (`commit-unknown`) it may be. Errors that
 * do not say `retry` pass at once.
 */
export async function retryCommit<T>(
  table: string,
  options: RetryOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const attemptsMax = options.attemptsMax ?? ATTEMPTS_MAX;
  const clock = options.clock ?? (() => 0);
  let conflicts = 0;
  let failures = 0;
  for (let tried = 1; ; tried++) {
    const startedAt = clock();
    let ceiling: number;
    let code: string;
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retry) throw error;
      if (tried >= attemptsMax) {
        throw new MillraceError(`${table}: gave up after ${tried} tries to commit: ${error.message}`, {
          code: error.code,
          origin: error.origin,
          retry: true,
          cause: error,
        });
      }
      ({ code } = error);
      if (code === "commit-conflict") {
        const attemptMs = clock() - startedAt;
        const isKnown = tried > 1 || attemptMs <= ATTEMPT_MS_MAX;
        const first = isKnown ? BACKOFF_ATTEMPTS * Math.min(attemptMs, ATTEMPT_MS_MAX) : 0;
        ceiling = Math.min(BACKOFF_MS_MAX, Math.max(BACKOFF_MS_MIN, first) * 2 ** conflicts);
        if (isKnown) conflicts++;
      } else {
        ceiling = Math.min(FAILURE_BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** failures++);
      }
    }
    options.onRetry?.(table, code);
    await options.sleep(ceiling * (0.5 + options.random() / 2));
  }
}
