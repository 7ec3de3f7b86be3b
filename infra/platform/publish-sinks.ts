import { randomUUID } from "node:crypto";
import {
  type Catalog,
  createLakePublisher,
  type ObjectStore,
  publishedEpoch,
  type RetryOptions,
} from "../../lakehouse/index.ts";
import { type TableSpec, tableName } from "../../schema/index.ts";
import { finishFile, stageFiles, type TableSink } from "../../stream/index.ts";

/** Where rows go that no task of the stream makes: those of runs that are repeated now and then. */
export interface PublishDeps extends RetryOptions {
  readonly catalog: Catalog;
  readonly objects: ObjectStore;
  readonly clock: () => number;
}

/**
 * Adds the rows of sinks to their tables, a snapshot a table. A crash before a table's snapshot leaves files that
 * nothing names, which maintenance removes.
 *
 * @param epoch rows are left out of a table that has this epoch of the task, or a later one. By default one that comes
 *   behind all that the tables have: nothing is left out, unless another run of the task publishes at the same moment
 */
export async function publishSinks(
  taskId: string,
  sinks: readonly TableSink[],
  deps: PublishDeps,
  epoch?: number,
): Promise<void> {
  const { objects, catalog, clock, sleep, random } = deps;
  const named = epoch ?? clock();
  const files = await stageFiles(objects, sinks.flatMap((sink) => sink.drain(named)).map(finishFile));
  const tables = sinks.map(({ table }) => table);
  const publisher = createLakePublisher({ catalog, objectStore: objects, tables, clock, sleep, random });
  await publisher.publish([{ taskId, epoch: epoch ?? (await nextEpoch(taskId, tables, deps)), files }]);
}

/** Whatever the clock was of who wrote what the tables have. */
async function nextEpoch(
  taskId: string,
  tables: readonly TableSpec[],
  { catalog, clock }: PublishDeps,
): Promise<number> {
  const loaded = await Promise.all(tables.map((table) => catalog.load(tableName(table))));
  const published = loaded.map((one) => (one === null ? -1 : publishedEpoch(one.metadata, taskId)));
  return Math.max(clock(), ...published.map((newest) => newest + 1));
}

/** Names the files of one run, so that those of another never have the same key. */
export function fileNonce(): string {
  return randomUUID().slice(0, 8);
}
