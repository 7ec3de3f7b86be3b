import { DuckDbFileRewriter } from "../../lakehouse/adapters/index.ts";
import { type MaintenanceReport, maintainTables } from "../../lakehouse/index.ts";
import { retryEnvironment } from "../platform/adapters.ts";
import { consumerGroupsOf } from "../platform/consumer-groups.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";

export interface MaintenanceRun {
  /** Merge all small files of each day. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
}

/** Compacts, expires and cleans every table once; safe beside running workers. */
export async function maintainLake(
  platform: Platform,
  run: MaintenanceRun = {},
): Promise<readonly MaintenanceReport[]> {
  const { catalog, objects: objectStore } = platform.adapters;
  const rewriter = new DuckDbFileRewriter({ objectStore });
  try {
    return await maintainTables(lakeTables, {
      catalog,
      objectStore,
      rewriter,
      clock: Date.now,
      ...retryEnvironment,
      ...run,
    });
  } finally {
    await rewriter.close();
  }
}

/** Repeats maintenance and the log's retention while the platform runs; one round at a time. */
export function startMaintenance(platform: Platform, logger: PlatformLogger): { stop(): Promise<void> } {
  const controller = new AbortController();
  let round: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    round = once(platform, controller.signal)
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

async function once(platform: Platform, signal: AbortSignal): Promise<void> {
  await maintainLake(platform, { signal });
  await platform.log.enforceRetention(Date.now(), consumerGroupsOf(platform.config.partitions));
  await platform.hotStore.sweep(100_000);
}
