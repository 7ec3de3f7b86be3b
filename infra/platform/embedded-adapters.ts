import { join } from "node:path";
import {
  DuckDbFileRewriter,
  DuckDbQueryEngine,
  FileCatalog,
  LocalObjectStore,
} from "../../lakehouse/adapters/index.ts";
import { maintainTables } from "../../lakehouse/index.ts";
import { HomeLog, LmdbHotStore, LogAlertBus } from "../../stream/adapters/index.ts";
import { ownSchemaSource } from "../../stream/index.ts";
import { type AdapterOptions, type Adapters, preparedCheckpoints, retryEnvironment } from "./adapters.ts";
import { readyHome } from "./home-folder.ts";
import { lakeTables, lakeViews } from "./lake-tables.ts";

/** No put takes so long: a half-written object of that age is one that was cut off. */
const HALF_WRITTEN_AGE_MS = 3_600_000;

/** All ports on one home folder. */
export function openEmbeddedAdapters(
  home: string,
  clock: () => number,
  { logWritesOn = "caller", makesHome = true, maintenanceMemoryMb }: AdapterOptions = {},
): Adapters {
  readyHome(home, { makes: makesHome });
  const log = new HomeLog(home, { clock, writesOn: logWritesOn });
  const hotStore = new LmdbHotStore({ path: join(home, "hot"), clock });
  const objects = new LocalObjectStore(home);
  const alertBus = new LogAlertBus(log);
  const catalog = new FileCatalog({ objectStore: objects, clock });
  return {
    log,
    schemas: ownSchemaSource.schemas,
    schemaSource: ownSchemaSource,
    hotStore,
    alertBus,
    objects,
    catalog,
    views: null,
    openQueryEngine: (limits) =>
      new DuckDbQueryEngine({ catalog, objectStore: objects, views: lakeViews, ...limits }),
    async maintainLake(run) {
      await objects.removeTemporaryFiles(clock(), HALF_WRITTEN_AGE_MS);
      const limit = maintenanceMemoryMb === undefined ? {} : { memoryLimit: `${maintenanceMemoryMb}MB` };
      const rewriter = new DuckDbFileRewriter({ objectStore: objects, ...limit });
      try {
        const prepared = await preparedCheckpoints(objects);
        const deps = { catalog, objectStore: objects, rewriter, clock, ...retryEnvironment };
        return await maintainTables(lakeTables, { ...deps, prepared, ...run });
      } finally {
        await rewriter.close();
      }
    },
    ownedPartitions: async () => [],
    checks: [],
    async close() {
      await alertBus.close();
      await hotStore.close();
      await log.close();
    },
  };
}
