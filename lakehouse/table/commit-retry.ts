import { MillraceError } from "../../schema/index.ts";

export interface RetryOptions {
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads racing writers. */
  readonly random: () => number;
  /** Tries of one commit before its error is passed on (default 20). */
  readonly attemptsMax?: number;
}

const ATTEMPTS_MAX = 20;
const BACKOFF_MS_MIN = 10;
const BACKOFF_MS_MAX = 2_000;

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
  for (let tried = 1; ; tried++) {
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
    }
    const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** tried);
    await options.sleep(ceiling * (0.5 + options.random() / 2));
  }
}
