import { eventLoopScheduling } from "../../stream/index.ts";
import { HISTORY_QUERIES, retryEnvironment } from "../platform/adapters.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";
import { fileNonce } from "../platform/publish-sinks.ts";
import { runClaims } from "../turns/run-claims.ts";
import { qualityOptions } from "./quality-settings.ts";
import { runQuality } from "./run-quality.ts";
import { type ScheduledQuality, startQuality } from "./scheduled-quality.ts";

const CLAIMS = "quality/turns/";

/** Checks a platform's tables at the interval of its settings; of several processes one at a time does. */
export function platformQuality(platform: Platform, logger: PlatformLogger): ScheduledQuality {
  const { adapters, config } = platform;
  return startQuality({
    intervalMs: config.qualityIntervalMs,
    clock: Date.now,
    after: eventLoopScheduling.after,
    claims: runClaims(adapters.objects, CLAIMS, Date.now),
    async run(signal) {
      // One of its own: what the API asks for must not wait behind it.
      const queryEngine = adapters.openQueryEngine(HISTORY_QUERIES);
      try {
        return await runQuality(
          { ...adapters, ...retryEnvironment, queryEngine, clock: Date.now, nonce: fileNonce() },
          { ...qualityOptions(config), signal },
        );
      } finally {
        await queryEngine.close();
      }
    },
    logger,
  });
}
