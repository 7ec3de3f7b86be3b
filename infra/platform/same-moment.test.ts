import { expect, test } from "vitest";
import type { LoadedTable, TableMetadata } from "../../lakehouse/index.ts";
import type { Checkpoint } from "../../stream/index.ts";
import { momentProblems } from "./same-moment.ts";

// That a start refuses what is found here is proved in infra/scenarios/backup.integration.test.ts.

const TABLE = "gold.funnel";

/** The table with these epochs, by task. */
function tables(epochs: Readonly<Record<string, number>>): ReadonlyMap<string, LoadedTable> {
  const properties = Object.fromEntries(
    Object.entries(epochs).map(([task, epoch]) => [`millrace.task.${task}`, String(epoch)]),
  );
  return new Map([[TABLE, { metadata: { properties } as unknown as TableMetadata, metadataLocation: "" }]]);
}

function checkpoint(epoch: number, published?: number): Checkpoint {
  return {
    taskId: "events-0",
    epoch,
    inputs: [],
    files: [],
    stateImages: [],
    ...(published !== undefined && { published: { [TABLE]: published } }),
    createdAt: 0,
    watermarkMs: null,
    events: { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
  };
}

function kinds(epochs: Readonly<Record<string, number>>, before: Checkpoint[], after = before): string[] {
  return momentProblems(tables(epochs), { before, after }).map(({ kind }) => kind);
}

test.each([
  ["no problem before the first publishing", {}, checkpoint(1), []],
  ["no problem with what the newest epoch published", { "events-0": 4 }, checkpoint(4, 2), []],
  ["no problem with an epoch that is still to be published", { "events-0": 3 }, checkpoint(4, 3), []],
  ["a lake ahead", { "events-0": 5 }, checkpoint(4, 3), ["lake-ahead"]],
  ["a lake behind", { "events-0": 2 }, checkpoint(4, 3), ["lake-behind"]],
  [
    "nothing of a lake behind where the checkpoint is of an early version",
    { "events-0": 2 },
    checkpoint(4),
    [],
  ],
  ["a table that was dropped and made again", {}, checkpoint(4, 3), ["table-anew"]],
])("finds %s", (_, epochs, newest, found) => {
  expect(kinds(epochs, [newest])).toEqual(found);
});

test("takes no batch job for a task", () => {
  expect(kinds({ "events-0": 3, "demand-forecasts": 1_700_000_000_000 }, [checkpoint(4, 3)])).toEqual([]);
});

test("finds a lake whose task has no checkpoint", () => {
  expect(kinds({ "events-0": 1 }, [])).toEqual(["lake-ahead"]);
});

test("takes no task that goes on meanwhile for one of another moment", () => {
  expect(kinds({ "events-0": 4 }, [checkpoint(3, 2)], [checkpoint(5, 4)])).toEqual([]);
  expect(kinds({ "events-0": 2 }, [checkpoint(3, 2)], [checkpoint(5, 4)])).toEqual([]);
});
