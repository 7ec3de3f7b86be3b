import { FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import {
  type Catalog,
  type LoadedTable,
  type ObjectStore,
  reachableObjects,
  type StagedFile,
  someAtOnce,
  unpublishedCommits,
} from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { HomeLog } from "../../stream/adapters/index.ts";
import { type Checkpoint, CheckpointStore } from "../../stream/index.ts";
import { momentProblems } from "../platform/same-moment.ts";
import { FILES_AT_ONCE, tablesUnder } from "./home-files.ts";

const TOLD_MAX = 20;

export interface VerifiedHome {
  readonly tables: number;
  readonly tasks: number;
  /** Files of tables and state that were looked for. */
  readonly files: number;
}

/**
 * Looks whether everything is there that a start from this home needs, which nothing may run meanwhile: the state of
 * every task, every file of every snapshot in its size, records for whom the log has a checkpoint; and whether all
 * is of one moment. Of what stands in the files it reads metadata alone.
 *
 * @throws MillraceError `backup-damaged`, with what is missing
 */
export async function verifyHome(
  home: string,
  { clock }: { readonly clock: () => number },
): Promise<VerifiedHome> {
  const objects = new LocalObjectStore(home);
  const catalog = new FileCatalog({ objectStore: objects, clock });
  const problems: string[] = HomeLog.isIn(home) ? [] : ["it has no log"];
  const checkpoints = await new CheckpointStore(objects, "reader").newestOfAll();
  const tables = await loadTables(home, catalog);
  const expected = new Map<string, number | null>();
  for (const { stateImages } of checkpoints) for (const key of stateImages) expected.set(key, null);
  for (const [name, table] of tables) {
    try {
      for (const [key, bytes] of await filesOf(name, table, checkpoints, objects)) expected.set(key, bytes);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await someAtOnce(expected, FILES_AT_ONCE, async ([key, bytes]) => {
    const found = await objects.head(key);
    if (found === null) problems.push(`${key} is missing`);
    else if (bytes !== null && found.bytes !== bytes)
      problems.push(`${key} has ${found.bytes} bytes, not ${bytes}`);
  });
  // A table that was dropped and made again is as whole as it was in the home.
  for (const { kind, text } of momentProblems(tables, { before: checkpoints, after: checkpoints }))
    if (kind !== "table-anew") problems.push(text);
  if (HomeLog.isIn(home)) problems.push(...(await logProblems(home, checkpoints, clock)));
  if (problems.length > 0) throw damaged(home, problems);
  return { tables: tables.size, tasks: checkpoints.length, files: expected.size };
}

async function loadTables(home: string, catalog: Catalog): Promise<Map<string, LoadedTable>> {
  const tables = new Map<string, LoadedTable>();
  for (const name of await tablesUnder(home)) {
    const table = await catalog.load(name);
    if (table !== null) tables.set(name, table);
  }
  return tables;
}

async function filesOf(
  name: string,
  { metadata }: LoadedTable,
  checkpoints: readonly Checkpoint[],
  objects: ObjectStore,
): Promise<Map<string, number | null>> {
  const files = await reachableObjects(name, metadata, metadata.snapshots ?? [], objects);
  const staged: StagedFile[] = unpublishedCommits(name, metadata, checkpoints).flatMap(
    (commit) => commit.files,
  );
  for (const { key, bytes } of staged) files.set(key, bytes);
  return files;
}

async function logProblems(
  home: string,
  checkpoints: readonly Checkpoint[],
  clock: () => number,
): Promise<string[]> {
  const problems: string[] = [];
  const log = new HomeLog(home, { clock });
  try {
    for (const { taskId, inputs } of checkpoints) {
      for (const { topic, partition, offset } of inputs) {
        const { begin, end } = await log.offsets(topic, partition);
        if (offset < begin || offset > end)
          problems.push(
            `${taskId} goes on at ${topic}[${partition}]@${offset}; its log has ${begin} to ${end}`,
          );
      }
    }
  } finally {
    await log.close();
  }
  return problems;
}

function damaged(home: string, problems: readonly string[]): MillraceError {
  const told = problems.slice(0, TOLD_MAX).map((problem) => `\n  - ${problem}`);
  const more = problems.length > TOLD_MAX ? `\n  and ${problems.length - TOLD_MAX} more` : "";
  return new MillraceError(`${home} is no whole home:${told.join("")}${more}`, {
    code: "backup-damaged",
    origin: "external",
  });
}
