import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import {
  type Column,
  createFloat64Column,
  createTextColumn,
  defineTable,
  type Float64Column,
} from "../../schema/index.ts";
import { temporaryFolder } from "../adapters/testing.ts";
import {
  type DetachedFile,
  type FinishedFile,
  finishFile,
  stageFiles,
  TableSink,
  type TableSinkOptions,
} from "./table-sink.ts";
import { readFiles, readRows } from "./testing/read-files.ts";

const DAY_MS = 86_400_000;
const TODAY = 20_000;
const table = defineTable({
  namespace: "gold",
  name: "sink_probe",
  doc: "Rows of many days.",
  partitionByDayOf: "at",
  key: ["id"],
  columns: [
    ["id", "long", "required", "Row number."],
    ["at", "timestamptz", "required", "Event time."],
    ["note", "string", "optional", "Text."],
  ],
});

/** Columns of the table; the row with id i is of day `days[i]`, at a time of its own. */
function columnsOf(days: readonly number[], firstId = 0): readonly Column[] {
  const id = createFloat64Column("int64", days.length, false);
  const at = createFloat64Column("timestamp", days.length, false);
  const note = createTextColumn(days.length);
  note.bytes = Buffer.from("a note");
  for (const [i, day] of days.entries()) {
    id.values[i] = firstId + i;
    at.values[i] = day * DAY_MS + i;
    note.start[i] = i % 2 === 0 ? 0 : -1;
    note.end[i] = 6;
  }
  return [id, at, note];
}

function createSink(options: Partial<TableSinkOptions> = {}): TableSink {
  return new TableSink(table, { taskId: "events-0", nonce: "abcd", fileBytesMax: 1 << 20, ...options });
}

function drained(sink: TableSink, epoch: number): FinishedFile[] {
  return sink.drain(epoch).map(finishFile);
}

describe("table sink", () => {
  test("rows of two tables go to files of the same days, which are completed together", async () => {
    const twinTable = { ...table, name: "sink_twin" };
    const options = { taskId: "events-0", nonce: "abcd", fileBytesMax: 4000 };
    const sink = new TableSink(table, options);
    const twin = new TableSink(twinTable, options);
    const expected: number[] = [];
    for (let batch = 0; batch < 40; batch++) {
      const ids = Array.from({ length: 50 }, (_, i) => batch * 50 + i);
      const columns = columnsOf(
        ids.map((id) => (id % 10 === 0 ? TODAY - 1 : TODAY)),
        batch * 50,
      );
      if (batch % 8 === 5) {
        sink.append(columns, 0, 50);
        twin.append(columns, 1, 50);
        expected.push(...ids.slice(1));
      } else {
        sink.appendWithTwin(columns, twin, columns, 0, 50);
        expected.push(...ids);
      }
    }
    const files = drained(sink, 1);
    const twinFiles = drained(twin, 1);
    expect(files.length).toBeGreaterThan(2);
    expect(twinFiles.map(({ staged }) => staged.day)).toEqual(files.map(({ staged }) => staged.day));
    const ids = async (of: readonly FinishedFile[]) =>
      (await readFiles(of)).map(({ id }) => Number(id)).sort((a, b) => a - b);
    expect(await ids(files)).toEqual(Array.from({ length: 2000 }, (_, id) => id));
    expect(await ids(twinFiles)).toEqual(expected);
    expect(new Set(twinFiles.map(({ staged }) => staged.table))).toEqual(new Set(["gold.sink_twin"]));
  });

  test("rows of one day go to one file that says its table, day and rows", async () => {
    const sink = createSink();
    sink.append(columnsOf([TODAY, TODAY, TODAY]), 0, 3);
    sink.append(columnsOf([TODAY, TODAY], 3), 0, 2);
    const files = drained(sink, 7);
    expect(files.map(({ staged }) => staged)).toMatchObject([
      { table: "gold.sink_probe", day: TODAY, rows: 5, bytes: Buffer.concat(files[0].pieces).length },
    ]);
    expect(files[0].staged.key).toBe("lake/gold/sink_probe/data/at_day=2024-10-04/events-0-7-0-abcd.parquet");
    expect(files[0].staged.columns).toMatchObject([
      { id: 1, values: 5, nulls: 0 },
      { id: 2, values: 5, nulls: 0 },
      { id: 3, values: 5, nulls: 2 },
    ]);
    expect(await readRows(files[0].pieces)).toMatchObject([
      { id: 0 },
      { id: 1 },
      { id: 2 },
      { id: 3 },
      { id: 4 },
    ]);
  });

  test("rows of several days of one batch go to a file a day, in their order", async () => {
    const days = Array.from({ length: 500 }, (_, i) => TODAY + ((i * 7) % 5));
    const sink = createSink();
    sink.append(columnsOf(days), 0, days.length);
    const files = drained(sink, 1);
    expect(files.map(({ staged }) => staged.day)).toEqual([0, 1, 2, 3, 4].map((i) => TODAY + i));
    for (const { staged, pieces } of files) {
      const rows = await readRows(pieces);
      expect(rows.map(({ id }) => id)).toEqual(days.flatMap((day, id) => (day === staged.day ? [id] : [])));
      expect(staged.rows).toBe(rows.length);
    }
  });

  test("the first and the last millisecond of a UTC day are of that day, days before 1970 too", async () => {
    const sink = createSink();
    const columns = columnsOf([0, 0, 0, 0, 0]);
    (columns[1] as Float64Column).values.set([-1, 0, DAY_MS - 1, DAY_MS, -DAY_MS - 1]);
    sink.append(columns, 0, 5);
    const files = drained(sink, 1);
    expect(files.map(({ staged }) => [staged.day, staged.rows])).toEqual([
      [-2, 1],
      [-1, 1],
      [0, 2],
      [1, 1],
    ]);
    expect(files.map(({ staged }) => staged.key.split("/")[4])).toEqual([
      "at_day=1969-12-30",
      "at_day=1969-12-31",
      "at_day=1970-01-01",
      "at_day=1970-01-02",
    ]);
  });

  test("takes ranges, and selections of one and of several days", async () => {
    const sink = createSink();
    const days = [TODAY, TODAY + 1, TODAY, TODAY + 1, TODAY, TODAY];
    sink.append(columnsOf(days), 4, 6);
    sink.append(columnsOf(days), 0, 3, Int32Array.of(1, 3, 0));
    sink.append(columnsOf(days), 1, 2, Int32Array.of(5, 2, 5));
    sink.append(columnsOf(days), 3, 3);
    const rows = await readFiles(drained(sink, 1));
    expect(rows.map(({ id }) => id)).toEqual([4, 5, 0, 2, 1, 3]);
  });

  test("keeps what it took when its caller writes over the columns", async () => {
    const sink = createSink();
    const columns = columnsOf([TODAY, TODAY + 1, TODAY]);
    sink.append(columns, 0, 3);
    const [id, at, note] = columns as [Float64Column, Float64Column, { bytes: Uint8Array }];
    id.values.fill(99);
    at.values.fill(0);
    note.bytes.fill(0x21);
    const rows = await readFiles(drained(sink, 1));
    expect(rows.map((row) => [row.id, row.at, row.note])).toEqual([
      [0, TODAY * DAY_MS, "a note"],
      [2, TODAY * DAY_MS + 2, "a note"],
      [1, (TODAY + 1) * DAY_MS + 1, null],
    ]);
  });

  test("holds no more than 32 days open: rows of a hundred days are all there, each file of one day", async () => {
    const days = Array.from({ length: 3000 }, (_, i) => TODAY + ((i * 37) % 100));
    const sink = createSink();
    for (let from = 0; from < days.length; from += 1000) {
      sink.append(columnsOf(days.slice(from, from + 1000), from), 0, 1000);
    }
    const files = drained(sink, 1);
    const ids: number[] = [];
    for (const { staged, pieces } of files) {
      const rows = await readRows(pieces);
      expect(rows).toHaveLength(staged.rows);
      for (const { id } of rows) {
        expect(days[Number(id)]).toBe(staged.day);
        ids.push(Number(id));
      }
    }
    expect(ids.sort((a, b) => a - b)).toEqual(days.map((_, id) => id));
    expect(new Set(files.map(({ staged }) => staged.key)).size).toBe(files.length);
  });

  test("completes a file when it has reached its size, before the checkpoint asks", async () => {
    const sink = createSink({ fileBytesMax: 2000 });
    for (let i = 0; i < 20; i++) sink.append(columnsOf(new Array(100).fill(TODAY), i * 100), 0, 100);
    const files = drained(sink, 3);
    expect(files.length).toBeGreaterThan(1);
    expect((await readFiles(files)).map(({ id }) => id)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(files.reduce((sum, { staged }) => sum + staged.rows, 0)).toBe(2000);
  });

  test("a detached file holds its rows, however many come before it is finished and after", async () => {
    const sink = createSink();
    const expected: number[][] = [];
    const detached: DetachedFile[] = [];
    const finished: FinishedFile[] = [];
    for (let epoch = 0; epoch < 6; epoch++) {
      sink.append(columnsOf(new Array(2000).fill(TODAY), epoch * 2000), 0, 2000);
      detached.push(...sink.drain(epoch));
      expected.push(Array.from({ length: 2000 }, (_, i) => epoch * 2000 + i));
      // Finished an epoch late: the next one's rows are in another writer by then.
      if (epoch > 0) finished.push(finishFile(detached[epoch - 1]));
    }
    finished.push(finishFile(detached[5]));
    for (const [epoch, { pieces }] of finished.entries()) {
      expect((await readRows(pieces)).map(({ id }) => id)).toEqual(expected[epoch]);
    }
  });

  test("hands over each row once: a second drain has nothing, and later rows make new files", async () => {
    const sink = createSink();
    sink.append(columnsOf([TODAY]), 0, 1);
    expect(drained(sink, 1)).toHaveLength(1);
    expect(drained(sink, 2)).toEqual([]);
    sink.append(columnsOf([TODAY], 1), 0, 1);
    expect(await readFiles(drained(sink, 3))).toMatchObject([{ id: 1 }]);
  });

  test("no two files of tasks, incarnations and epochs have one key", () => {
    const keys: string[] = [];
    for (const taskId of ["events-0", "events-1", "events-10"]) {
      for (const nonce of ["aaaa", "bbbb"]) {
        const sink = createSink({ taskId, nonce, fileBytesMax: 500 });
        for (let epoch = 1; epoch <= 4; epoch++) {
          for (let i = 0; i < 5; i++) sink.append(columnsOf([TODAY, TODAY + 1, TODAY]), 0, 3);
          keys.push(...drained(sink, epoch).map(({ staged }) => staged.key));
        }
      }
    }
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("staging", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => folder.remove());

  test("uploads every file under its key, few at a time, and gives their descriptions", async () => {
    const store = new LocalObjectStore(folder.path);
    let atOnce = 0;
    let atOnceMax = 0;
    const objects: LocalObjectStore = Object.create(store);
    objects.put = async (key, bytes) => {
      atOnceMax = Math.max(atOnceMax, ++atOnce);
      await store.put(key, bytes);
      atOnce--;
    };
    const sink = createSink();
    const days = Array.from({ length: 60 }, (_, i) => TODAY + i);
    sink.append(columnsOf(days), 0, days.length);
    const files = drained(sink, 1);
    expect(await stageFiles(objects, files)).toEqual(files.map(({ staged }) => staged));
    for (const { staged, pieces } of files) {
      expect(Buffer.from(await store.get(staged.key))).toEqual(Buffer.concat(pieces));
    }
    expect(atOnceMax).toBeLessThanOrEqual(16);
  });

  test("fails where one upload fails", async () => {
    const objects: LocalObjectStore = Object.create(new LocalObjectStore(folder.path));
    objects.put = () => Promise.reject(new Error("disk full"));
    const sink = createSink();
    sink.append(columnsOf([TODAY]), 0, 1);
    await expect(stageFiles(objects, drained(sink, 1))).rejects.toThrow("disk full");
  });
});
