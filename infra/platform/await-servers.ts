import { MillraceError } from "../../schema/index.ts";
import type { PlatformLogger } from "./pipeline-runner.ts";

/** One request to a server that shows that it can be worked with; its error says what to do. */
export interface ServerCheck {
  /** As people call it: `Kafka at localhost:9092`. */
  readonly server: string;
  readonly run: () => Promise<unknown>;
}

export interface AwaitServersOptions {
  readonly logger: PlatformLogger;
  readonly clock: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** After so long a server that is down fails the start; by default as long as a whole stack takes to start. */
  readonly waitMsMax?: number;
}

const WAIT_MS_MAX = 90_000;
const DELAY_MS_MIN = 250;
const DELAY_MS_MAX = 5_000;

/**
 * Resolves when every server has answered. One that is down or still starting is waited for, with
 * back-off; what does not pass by itself (credentials, a bucket that is not there) fails at once.
 * Rejects with code `server-check-failed` and every problem, so that they are put right in one go.
 */
export async function awaitServers(
  checks: readonly ServerCheck[],
  options: AwaitServersOptions,
): Promise<void> {
  const problems = (await Promise.all(checks.map((check) => awaitServer(check, options)))).filter(
    (problem) => problem !== null,
  );
  if (problems.length === 0) return;
  const list = problems.map(({ server, message }) => `  - ${server}: ${message}`).join("\n");
  throw new MillraceError(`not every server can be worked with:\n${list}`, {
    code: "server-check-failed",
    origin: "external",
    retry: problems.every(({ retry }) => retry),
  });
}

interface Problem {
  readonly server: string;
  readonly message: string;
  readonly retry: boolean;
}

async function awaitServer(
  { server, run }: ServerCheck,
  options: AwaitServersOptions,
): Promise<Problem | null> {
  const { logger, clock, random, sleep, waitMsMax = WAIT_MS_MAX } = options;
  const giveUpAt = clock() + waitMsMax;
  for (let delayMs = DELAY_MS_MIN; ; delayMs = Math.min(2 * delayMs, DELAY_MS_MAX)) {
    try {
      await run();
      return null;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const retry = error instanceof MillraceError && error.retry;
      const waitMs = delayMs * (0.5 + random() / 2);
      if (!retry || clock() + waitMs > giveUpAt) return { server, message, retry };
      logger.warn({ server, waitMs: Math.round(waitMs) }, `waiting for ${server}: ${message}`);
      await sleep(waitMs);
    }
  }
}
