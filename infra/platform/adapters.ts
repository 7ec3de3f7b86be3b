import { join } from "node:path";
import { DuckDbQueryEngine, FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { LmdbEventLog, LmdbHotStore, LogAlertBus } from "../../stream/adapters/index.ts";

/** The embedded adapters of one thread, all on one home folder. Threads share the folder, not these. */
export interface Adapters {
  readonly log: LmdbEventLog;
  readonly hotStore: LmdbHotStore;
  readonly alertBus: LogAlertBus;
  readonly objects: LocalObjectStore;
  readonly catalog: FileCatalog;
  close(): Promise<void>;
}

export function openAdapters(home: string, clock: () => number): Adapters {
  const log = new LmdbEventLog({ path: join(home, "log"), clock });
  const hotStore = new LmdbHotStore({ path: join(home, "hot"), clock });
  const objects = new LocalObjectStore(home);
  const alertBus = new LogAlertBus(log);
  return {
    log,
    hotStore,
    alertBus,
    objects,
    catalog: new FileCatalog({ objectStore: objects, clock }),
    async close() {
      await alertBus.close();
      await hotStore.close();
      await log.close();
    },
  };
}

export function openQueryEngine(adapters: Adapters): DuckDbQueryEngine {
  return new DuckDbQueryEngine({ catalog: adapters.catalog, objectStore: adapters.objects });
}

/** What retrying a lake commit needs of the outside. */
export const retryEnvironment = {
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};
