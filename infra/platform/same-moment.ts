import { type LoadedTable, publishedEpochs, someAtOnce } from "../../lakehouse/index.ts";
import { MillraceError, tableName } from "../../schema/index.ts";
import { type Checkpoint, CheckpointStore } from "../../stream/index.ts";
import type { Adapters } from "./adapters.ts";
import { lakeTables } from "./lake-tables.ts";
import { isTaskId } from "./topics.ts";

export interface MomentProblem {
  /**
   * `lake-ahead`: epochs of the task would be taken for published, and left out. `lake-behind`: epochs that the checkpoint counts
   * on are not in the table. `table-anew`: it has none of the task's at all, as one that was dropped and made again.
   */
  readonly kind: "lake-ahead" | "lake-behind" | "table-anew";
  readonly text: string;
}

/** Newest checkpoints, read before and after the tables: where tasks run meanwhile, these go on. */
export interface CheckpointsAround {
  readonly before: readonly Checkpoint[];
  readonly after: readonly Checkpoint[];
}

/** What tells that tables and checkpoints are of different moments; nothing where no restore has mixed them. */
export function momentProblems(
  tables: ReadonlyMap<string, LoadedTable>,
  { before, after }: CheckpointsAround,
): MomentProblem[] {
  const problems: MomentProblem[] = [];
  const newest = new Map(after.map(({ taskId, epoch }) => [taskId, epoch]));
  for (const [table, { metadata }] of tables) {
    const epochs = new Map([...publishedEpochs(metadata)].filter(([name]) => isTaskId(name)));
    // A task prepares an epoch before it publishes it.
    for (const [taskId, epoch] of epochs) {
      const prepared = newest.get(taskId);
      if (epoch <= (prepared ?? 0)) continue;
      const than =
        prepared === undefined ? "which has no checkpoint" : `whose newest checkpoint is ${prepared}`;
      problems.push({ kind: "lake-ahead", text: `${table} has epoch ${epoch} of task ${taskId}, ${than}` });
    }
    // And publishes one before it prepares the next.
    for (const { taskId, published } of before) {
      const expected = published?.[table];
      const found = epochs.get(taskId);
      if (expected === undefined || (found !== undefined && found >= expected)) continue;
      const text = `${table} should have epoch ${expected} of task ${taskId}, and has ${found ?? "none"}`;
      problems.push({ kind: found === undefined ? "table-anew" : "lake-behind", text });
    }
  }
  return problems;
}

/** Tables that are looked up at a time. */
const TABLES_AT_ONCE = 8;

/**
 * To be called before tasks begin. Rejects with `lake-ahead` or `lake-behind` where the lake and the checkpoints are of
 * different moments, as where one of them was restored alone: going on would lose or leave out rows, and nothing would tell.
 */
export async function assertSameMoment(
  { catalog, objects }: Pick<Adapters, "catalog" | "objects">,
  warn: (message: string) => void,
): Promise<void> {
  // It only reads: the name of an incarnation is for what is written.
  const checkpoints = new CheckpointStore(objects, "reader");
  const before = await checkpoints.newestOfAll();
  const loaded = new Map<string, LoadedTable>();
  await someAtOnce(lakeTables.map(tableName), TABLES_AT_ONCE, async (name) => {
    const table = await catalog.load(name);
    if (table !== null) loaded.set(name, table);
  });
  const problems = momentProblems(loaded, { before, after: await checkpoints.newestOfAll() });
  for (const { kind, text } of problems)
    if (kind === "table-anew") warn(`${text}: a table that was dropped holds what came since then`);
  const grave = problems.find(({ kind }) => kind !== "table-anew");
  if (grave === undefined) return;
  throw new MillraceError(
    `the lake and the checkpoints are of different moments: ${grave.text}. Restore both from one backup; infra/operations/backup.md says how`,
    { code: grave.kind, origin: "user" },
  );
}
