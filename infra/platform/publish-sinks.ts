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
 * Adds the rows of sinks to their tables, a snapshot a table, unless a table has that epoch of the task or a later
 * one. A crash before a table's snapshot leaves files that nothing names, which maintenance removes.
 */
export async function publishSinks(
  { taskId, epoch }: { readonly taskId: string; readonly epoch: number },
  sinks: readonly TableSink[],
  deps: PublishDeps,
): Promise<void> {
  const { objects, catalog, clock, sleep, random } = deps;
  const files = await stageFiles(objects, sinks.flatMap((sink) => sink.drain(epoch)).map(finishFile));
  const tables = sinks.map(({ table }) => table);
  const publisher = createLakePublisher({ catalog, objectStore: objects, tables, clock, sleep, random });
  await publisher.publish([{ taskId, epoch, files }]);
}

/** An epoch of a task that comes behind all that a table has of it, whatever the clock of who wrote these was. */
export async function nextEpoch(
  taskId: string,
  table: TableSpec,
  { catalog, clock }: Pick<PublishDeps, "catalog" | "clock">,
): Promise<number> {
  const loaded = await catalog.load(tableName(table));
  const published = loaded === null ? -1 : publishedEpoch(loaded.metadata, taskId);
  return Math.max(clock(), published + 1);
}

/** Names the files of one run, so that those of another never have the same key. */
export function fileNonce(): string {
  return randomUUID().slice(0, 8);
}
