import { describe, expect, test } from "vitest";
import { ensurePython } from "../../infra/tools/test-tools.ts";
import { type Column, defineTable, type TableSpec } from "../../schema/index.ts";
import { type ParquetFile, ParquetFileWriter, type ParquetWriterOptions } from "./index.ts";
import { columnOf } from "./testing/plain-columns.ts";
import { canonicalValue, type PlainValue, readBack } from "./testing/read-back.ts";

const first = defineTable({
  namespace: "bronze",
  name: "first",
  doc: "",
  partitionByDayOf: "at",
  key: ["id"],
  columns: [
    ["id", "string", "required", "Distinct."],
    ["user", "string", "required", "A few."],
    ["note", "string", "optional", "A few, then ever more."],
    ["at", "timestamptz", "required", ""],
    ["price", "long", "optional", ""],
    ["seldom", "int", "optional", "Null for long."],
    ["share", "double", "required", ""],
    ["flag", "boolean", "required", ""],
  ],
});
/** Other order, other ids, some columns only, one of its own; `flag` may be null here. */
const second = defineTable({
  namespace: "silver",
  name: "second",
  doc: "",
  partitionByDayOf: "at",
  key: ["id"],
  columns: [
    ["at", "timestamptz", "required", ""],
    ["own", "string", "optional", "Not the first's."],
    ["note", "string", "optional", ""],
    ["id", "string", "required", ""],
    ["price", "long", "optional", ""],
    ["seldom", "int", "optional", ""],
    ["user", "string", "required", ""],
    ["share", "double", "required", ""],
    ["flag", "boolean", "optional", ""],
  ],
});

const VALUES: Record<string, (row: number) => PlainValue> = {
  id: (row) => `${(row * 7919) % 100_003}-0f8fad5b-d9cb-469f`,
  user: (row) => `u${(row * row) % 57}`,
  note: (row) => (row % 5 === 0 ? null : row < 3000 ? `note ${row % 11}` : `long note number ${row}`),
  at: (row) => 1_700_000_000_000 + row * 13 - (row % 7) * 1000,
  price: (row) => (row % 3 === 0 ? null : (row % 100) * 99),
  seldom: (row) => (row < 2500 ? null : row % 4),
  share: (row) => row / 7,
  flag: (row) => row % 2 === 0,
  own: (row) => `own ${row % 3}`,
  other: (row) => `other ${row % 19}`,
};
const BATCH = 700;
const BATCHES = 8;
/** Pages, dictionaries and row groups end within batches and between them. */
const options: ParquetWriterOptions = { pageRows: 1000, dictionaryBytes: 4000, rowGroupRows: 3900 };

interface Rig {
  readonly leader: ParquetFileWriter;
  readonly twin: ParquetFileWriter;
  /** Row numbers that the twin should hold, and its `note` and `price` of each. */
  readonly rows: number[];
  readonly notes: PlainValue[];
  next: number;
}

function createRig(leaderTable = first, twinTable = second): Rig {
  return {
    leader: new ParquetFileWriter(leaderTable, options),
    twin: new ParquetFileWriter(twinTable, options),
    rows: [],
    notes: [],
    next: 0,
  };
}

function batchOf(from: number): Map<string, Column> {
  const rows = Array.from({ length: BATCH }, (_, i) => from + i);
  const columns = [...first.columns, ...second.columns.filter(({ name }) => name === "own")];
  return new Map(columns.map((spec) => [spec.name, columnOf(spec, rows.map(VALUES[spec.name]))]));
}

/** Appends a batch to both; `otherNote`: the twin's `note` differs; `without`: rows that it lacks. */
function feed(
  rig: Rig,
  { otherNote = false, without }: { otherNote?: boolean; without?: (row: number) => boolean } = {},
): void {
  const from = rig.next;
  rig.next += BATCH;
  const columns = batchOf(from);
  const leaderColumns = first.columns.map(({ name }) => columns.get(name) as Column);
  const rows = Array.from({ length: BATCH }, (_, i) => from + i);
  const twinColumns = second.columns.map((spec) =>
    spec.name === "note" && otherNote
      ? columnOf(spec, rows.map(VALUES.other))
      : (columns.get(spec.name) as Column),
  );
  const kept = rows.filter((row) => without === undefined || !without(row));
  if (without === undefined) {
    rig.leader.appendWithTwin(leaderColumns, rig.twin, twinColumns, 0, BATCH);
  } else {
    rig.leader.append(leaderColumns, 0, BATCH);
    rig.twin.append(
      twinColumns,
      0,
      kept.length,
      Int32Array.from(kept, (row) => row - from),
    );
  }
  rig.rows.push(...kept);
  rig.notes.push(...kept.map(otherNote ? VALUES.other : VALUES.note));
}

async function expectRows(
  files: readonly { table: TableSpec; file: ParquetFile; rows: number[]; notes: PlainValue[] }[],
): Promise<void> {
  const read = await readBack(
    await ensurePython(),
    files.map(({ table, file }) => ({ table, bytes: file.pieces })),
  );
  for (const [i, { table, file, rows, notes }] of files.entries()) {
    expect(read[i].problems).toEqual([]);
    expect(file.rows).toBe(rows.length);
    for (const { name, type, id } of table.columns) {
      const values = name === "note" ? notes : rows.map(VALUES[name]);
      const expected = values.map((value) => canonicalValue(type, value));
      for (const reader of ["pyarrow", "duckdb", "hyparquet"] as const) {
        expect(read[i][reader][name], `${name} by ${reader}`).toEqual(expected);
      }
      const staged = file.columns.find((column) => column.id === id);
      const nulls = values.filter((value) => value === null).length;
      expect(staged).toMatchObject({ values: rows.length, nulls });
    }
  }
}

/** Both files of a rig hold what they should, whoever finishes first. */
async function expectBoth(rig: Rig, twinFirst = false): Promise<void> {
  const all = Array.from({ length: rig.next }, (_, row) => row);
  const early = twinFirst ? rig.twin.finish() : null;
  const leaderFile = rig.leader.finish();
  await expectRows([
    { table: first, file: leaderFile, rows: all, notes: all.map(VALUES.note) },
    { table: second, file: early ?? rig.twin.finish(), rows: rig.rows, notes: rig.notes },
  ]);
}

describe("a file with a twin", () => {
  test("with the same rows both hold them, in the columns of their own table", async () => {
    const rig = createRig();
    for (let batch = 0; batch < BATCHES; batch++) feed(rig);
    await expectBoth(rig);
  });

  test("is equal to a file that was written alone, and so is the twin", () => {
    const rig = createRig(first, first);
    const alone = new ParquetFileWriter(first, options);
    for (let from = 0; from < BATCHES * BATCH; from += BATCH) {
      const columns = batchOf(from);
      const ofFirst = first.columns.map(({ name }) => columns.get(name) as Column);
      rig.leader.appendWithTwin(ofFirst, rig.twin, ofFirst, 0, BATCH);
      alone.append(ofFirst, 0, BATCH);
    }
    const expected = alone.finish();
    expect(rig.leader.finish()).toEqual(expected);
    expect(rig.twin.finish()).toEqual(expected);
  });

  test("the twin goes on alone from any batch in which it lacks rows", async () => {
    for (const parting of [0, 3, BATCHES - 1]) {
      const rig = createRig();
      for (let batch = 0; batch < BATCHES; batch++) {
        feed(rig, batch === parting ? { without: (row) => row % 97 === 3 } : {});
      }
      await expectBoth(rig);
    }
  });

  test("a column goes on alone from the batch in which it has other values", async () => {
    for (const parting of [1, 5]) {
      const rig = createRig();
      for (let batch = 0; batch < BATCHES; batch++) feed(rig, { otherNote: batch >= parting });
      await expectBoth(rig);
    }
  });

  test("either may be finished first, and the twin can go on behind the other's end", async () => {
    const twinFirst = createRig();
    for (let batch = 0; batch < 3; batch++) feed(twinFirst);
    await expectBoth(twinFirst, true);

    const rig = createRig();
    for (let batch = 0; batch < 3; batch++) feed(rig);
    const steps = rig.leader.finishInSteps();
    for (let column = 0; column < 3; column++) steps.next();
    const columns = batchOf(rig.next);
    rig.twin.append(
      second.columns.map(({ name }) => columns.get(name) as Column),
      0,
      BATCH,
    );
    for (let row = rig.next; row < rig.next + BATCH; row++) {
      rig.rows.push(row);
      rig.notes.push(VALUES.note(row));
    }
    while (steps.next().done !== true);
    await expectRows([{ table: second, file: rig.twin.finish(), rows: rig.rows, notes: rig.notes }]);
  });

  test("buffers of finished files serve the next pair", async () => {
    const rig = createRig();
    for (let batch = 0; batch < 2; batch++) feed(rig);
    feed(rig, { without: (row) => row % 2 === 0 });
    rig.leader.finish();
    rig.twin.finish();
    const again: Rig = {
      ...createRig(),
      leader: new ParquetFileWriter(first, options, rig.leader),
      twin: new ParquetFileWriter(second, options, rig.twin),
    };
    for (let batch = 0; batch < BATCHES; batch++) feed(again, { otherNote: batch > 2 });
    await expectBoth(again);
  });
});
