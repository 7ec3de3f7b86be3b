import { MillraceError } from "../../schema/index.ts";

export interface RequestRetryOptions {
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads clients that were turned away at the same time. */
  readonly random: () => number;
  /** Tries of one request before its error is passed on. */
  readonly attemptsMax: number;
  /** Longest wait after the first failure; doubles with every further one. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

/** An error that says how long the server asked to be left alone (`Retry-After`). */
export interface AsksToWait {
  readonly retryAfterMs: number | null;
}

/**
 * Runs a request until it succeeds, fails with an error that does not say `retry`, or was tried
 * `attemptsMax` times. Waits between tries with full jitter, or as long as the server asked for if
 * that is longer (`backoffMsMax` at most): several clients come back one by one, not all at once.
 */
export async function retryRequest<T>(
  options: RequestRetryOptions,
  request: () => Promise<T>,
  isRepeatable: (error: MillraceError) => boolean = (error) => error.retry,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof MillraceError) || !isRepeatable(error) || tried >= options.attemptsMax)
        throw error;
      await options.sleep(waitMs(error, tried, options));
    }
  }
}

function waitMs(error: MillraceError, tried: number, options: RequestRetryOptions): number {
  const ceiling = options.backoffMsMin * 2 ** (tried - 1);
  const asked = (error as Partial<AsksToWait>).retryAfterMs ?? 0;
  return Math.min(options.backoffMsMax, Math.max(asked, ceiling * (0.5 + options.random() / 2)));
}
