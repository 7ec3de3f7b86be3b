import { ensureViews } from "../../lakehouse/index.ts";
import type { Config } from "../config/index.ts";
import type { Adapters } from "./adapters.ts";
import { lakeViews } from "./lake-tables.ts";
import type { PlatformLogger } from "./pipeline-runner.ts";

/**
 * Makes the lake's views for other engines, where the mode has such. Nothing of Millrace reads them, so a
 * catalog that knows no views, or refuses one, is told of and keeps nothing from starting.
 */
export async function prepareViews(
  { views, objects: objectStore }: Pick<Adapters, "views" | "objects">,
  { trinoCatalog }: Pick<Config, "trinoCatalog">,
  logger: Pick<PlatformLogger, "warn">,
): Promise<void> {
  if (views === null) return;
  try {
    const { left } = await ensureViews(lakeViews, { views, objectStore, trinoCatalog });
    if (left.length === 0) return;
    const names = left.map(({ view }) => view);
    logger.warn({ views: names }, `${names.join(", ")}: not made, there is something else of that name`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn({}, `the views for other engines are not up to date: ${reason}; later: millrace views apply`);
  }
}
