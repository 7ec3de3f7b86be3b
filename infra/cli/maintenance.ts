import { consumerGroupsOf } from "../platform/consumer-groups.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";

/** Repeats maintenance and the log's retention while the platform runs; one round at a time. */
export function startMaintenance(platform: Platform, logger: PlatformLogger): { stop(): Promise<void> } {
  const controller = new AbortController();
  let round: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    round = once(platform, logger, controller.signal)
      .catch(
        (err) => controller.signal.aborted || logger.warn({ err }, "maintenance failed; it is tried again"),
      )
      .then(() => {
        busy = false;
      });
  }, platform.config.maintenanceIntervalMs);
  return {
    async stop() {
      clearInterval(timer);
      controller.abort();
      await round;
    },
  };
}

async function once(platform: Platform, logger: PlatformLogger, signal: AbortSignal): Promise<void> {
  for (const { orphans } of await platform.adapters.maintainLake({ signal }))
    if (orphans.warning !== undefined) logger.warn({}, orphans.warning);
  await platform.log.enforceRetention(Date.now(), consumerGroupsOf(platform.config));
  await platform.hotStore.sweep(100_000);
}
