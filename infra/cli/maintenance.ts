import { maintenanceWarnings } from "../../lakehouse/index.ts";
import type { MaintenanceMetrics } from "../monitoring/maintenance-metrics.ts";
import { type TableSize, tableSizes } from "../monitoring/table-sizes.ts";
import { consumerGroupsOf } from "../platform/consumer-groups.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";

/** Repeats maintenance and the log's retention while the platform runs; one round at a time. */
export function startMaintenance(
  platform: Platform,
  logger: PlatformLogger,
  metrics: MaintenanceMetrics,
): { stop(): Promise<void> } {
  const controller = new AbortController();
  let round: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    const began = Date.now();
    round = once(platform, logger, controller.signal)
      .then(
        (sizes) => metrics.succeeded(Date.now() - began, sizes),
        (err) => {
          if (controller.signal.aborted) return;
          metrics.failed();
          logger.warn({ err }, "maintenance failed; it is tried again");
        },
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

/** Resolves to what is there behind it. */
async function once(
  platform: Platform,
  logger: PlatformLogger,
  signal: AbortSignal,
): Promise<readonly TableSize[]> {
  // Whatever the lake's are: log and hot store would grow without end.
  await platform.log.enforceRetention(Date.now(), consumerGroupsOf(platform.config));
  await platform.hotStore.sweep(100_000);
  for (const report of await platform.adapters.maintainLake({ signal }))
    for (const warning of maintenanceWarnings(report)) logger.warn({}, warning);
  return tableSizes(platform.adapters.catalog, lakeTables);
}
