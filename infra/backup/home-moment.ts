import { isDeepStrictEqual } from "node:util";
import type { FileCatalog } from "../../lakehouse/adapters/index.ts";
import {
  keysInUse,
  type LoadedTable,
  type ObjectStore,
  TableLayout,
  tableKey,
  versionUpTo,
} from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { type Checkpoint, CheckpointStore } from "../../stream/index.ts";
import { isTaskId } from "../platform/topics.ts";
import { otherFiles, tablesUnder } from "./home-files.ts";

/** What of a home belongs to one moment, but for its logs, which may be of a later one. */
export interface HomeMoment {
  readonly checkpoints: readonly Checkpoint[];
  /** Version by table. */
  readonly versions: ReadonlyMap<string, number>;
  /** Keys of the files that are needed. */
  readonly keys: readonly string[];
  /** Keys of files that belong to it where they are still there: earlier metadata of tables. */
  readonly keysIfThere: readonly string[];
}

const LOOKS_MAX = 100;

/**
 * Finds what belongs together while tasks go on: the newest checkpoints of one moment, and of every table the newest
 * version that has no later epoch than these. That version has every earlier one: a task prepares an epoch only
 * when the one before is in all its tables.
 */
export async function findMoment(
  home: string,
  objects: ObjectStore,
  catalog: FileCatalog,
): Promise<HomeMoment> {
  const { checkpoints, others } = await standingStill(home, objects);
  const epochs = new Map(checkpoints.map(({ taskId, epoch }) => [taskId, epoch]));
  // What batch jobs have published belongs to every moment.
  const epochOf = (name: string) => epochs.get(name) ?? (isTaskId(name) ? 0 : Number.POSITIVE_INFINITY);
  const keys = [...others, ...checkpoints.flatMap(({ stateImages }) => stateImages)];
  const keysIfThere: string[] = [];
  const versions = new Map<string, number>();
  for (const table of await tablesUnder(home)) {
    const newest = await catalog.load(table);
    if (newest === null) continue;
    const version = await versionUpTo(table, newest, epochOf, objects);
    if (version === null) throw homeChanged(`${table} keeps no version that belongs to the checkpoints`);
    const files = await filesOf(table, version, checkpoints, objects);
    versions.set(table, files.version);
    keys.push(...files.needed);
    keysIfThere.push(...files.earlier);
  }
  return { checkpoints, versions, keys, keysIfThere };
}

/** Something that was read was taken away by who runs the home: the next attempt finds what took its place. */
export function homeChanged(what: string): MillraceError {
  return new MillraceError(
    `the home changed faster than it could be read: ${what}; try again, at best while no maintenance runs`,
    { code: "home-changed", origin: "external", retry: true },
  );
}

/** Checkpoints and other files that were all there at one moment: two looks, one behind the other, found the same. */
async function standingStill(home: string, objects: ObjectStore) {
  // It only reads: the name of an incarnation is for what is written.
  const store = new CheckpointStore(objects, "reader");
  const look = async () => ({ checkpoints: await store.newestOfAll(), others: await otherFiles(home) });
  let before = await look();
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const now = await look();
    if (isDeepStrictEqual(now, before)) return now;
    before = now;
  }
  throw homeChanged("no two looks found the same checkpoints");
}

async function filesOf(
  table: string,
  version: LoadedTable,
  prepared: readonly Checkpoint[],
  objectStore: ObjectStore,
): Promise<{ version: number; needed: string[]; earlier: string[] }> {
  const metadataKey = new TableLayout(table, version.metadata, objectStore).keyOf(version.metadataLocation);
  const inUse = await keysInUse(table, version, { objectStore, prepared });
  // The copy gets a hint of its own.
  inUse.delete(hintKey(table));
  const earlier = [...inUse].filter((key) => key !== metadataKey && key.endsWith(".metadata.json"));
  const needed = [...inUse].filter((key) => !earlier.includes(key));
  const number = /\/v(\d+)\.metadata\.json$/.exec(metadataKey)?.[1];
  return { version: Number(number), needed, earlier };
}

export function hintKey(table: string): string {
  return `${tableKey(table)}/metadata/version-hint.text`;
}
