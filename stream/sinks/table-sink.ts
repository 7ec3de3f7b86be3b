import {
  type ObjectStore,
  type ParquetFile,
  ParquetFileWriter,
  type StagedFile,
} from "../../lakehouse/index.ts";
import { type Column, type Float64Column, type TableSpec, tableName } from "../../schema/index.ts";

/** UTC day partitions that a sink keeps open at once; a further one closes the oldest. */
const OPEN_DAYS_MAX = 32;
const DAY_MS = 86_400_000;
/** Uploads at the same time: rows of many days make many files. */
const UPLOADS_AT_ONCE = 16;

/** A finished file that is not uploaded yet. */
export interface FinishedFile {
  readonly staged: StagedFile;
  readonly pieces: ParquetFile["pieces"];
}

/** A file that takes no more rows. To be finished once, in the order in which the sink gave them. */
export interface DetachedFile {
  /** Encodes a column of what is still open, a millisecond or two; the file once all are done, else null. */
  step(): FinishedFile | null;
}

/** All steps of a detached file at once. */
export function finishFile(file: DetachedFile): FinishedFile {
  for (;;) {
    const finished = file.step();
    if (finished !== null) return finished;
  }
}

export interface TableSinkOptions {
  /** Names the files, so that tasks and incarnations never share a key. */
  readonly taskId: string;
  readonly nonce: string;
  /** A file is completed when it has reached this size, before the checkpoint asks for it. */
  readonly fileBytesMax: number;
}

/** Rows of one table and task on their way into Parquet files, one open file per UTC day. */
export class TableSink {
  readonly table: TableSpec;
  private readonly options: TableSinkOptions;
  private readonly dayColumn: number;
  private readonly open = new Map<number, ParquetFileWriter>();
  private finished: FinishedFile[] = [];
  private lastDay = Number.NaN;
  private lastWriter: ParquetFileWriter | null = null;
  /** The last finished writer, for its buffers. */
  private spare: ParquetFileWriter | undefined;
  private selection = new Int32Array(0);
  private fileSequence = 0;

  constructor(table: TableSpec, options: TableSinkOptions) {
    this.table = table;
    this.options = options;
    this.dayColumn = table.columns.findIndex((column) => column.name === table.partitionByDayOf);
  }

  /** Appends rows [from, to), or the rows that `selection[from … to)` names; copies what it keeps. */
  append(columns: readonly Column[], from: number, to: number, selection?: Int32Array): void {
    this.eachDay(columns, from, to, selection, (day, start, end, rows) => {
      const writer = this.writerOf(day);
      writer.append(columns, start, end, rows);
      if (this.isFull(writer)) this.completeDay(day);
    });
  }

  /**
   * Appends rows [from, to) to this table and to another with the same days, to which `twinColumns` belong:
   * what is equal in both is encoded once (see {@link ParquetFileWriter}). Their files are completed
   * together, so that the next ones begin together too.
   */
  appendWithTwin(
    columns: readonly Column[],
    twin: TableSink,
    twinColumns: readonly Column[],
    from: number,
    to: number,
  ): void {
    this.eachDay(columns, from, to, undefined, (day, start, end, rows) => {
      const writer = this.writerOf(day);
      const twinWriter = twin.writerOf(day);
      writer.appendWithTwin(columns, twinWriter, twinColumns, start, end, rows);
      if (!this.isFull(writer) && !twin.isFull(twinWriter)) return;
      this.completeDay(day);
      twin.completeDay(day);
    });
  }

  /**
   * Detaches every file from the sink, complete or not: later rows go to others. Encoding what an open
   * one still holds takes many milliseconds, so that is left to the caller, who finishes step by step.
   */
  drain(epoch: number): DetachedFile[] {
    const files = this.finished.map((file): DetachedFile => ({ step: () => file }));
    this.finished = [];
    for (const [day, writer] of [...this.open].sort(([a], [b]) => a - b)) {
      this.open.delete(day);
      files.push(this.detach(writer, day, epoch));
    }
    this.lastWriter = null;
    return files;
  }

  /** Calls back with the rows of each day. */
  private eachDay(
    columns: readonly Column[],
    from: number,
    to: number,
    selection: Int32Array | undefined,
    take: (day: number, from: number, to: number, selection: Int32Array | undefined) => void,
  ): void {
    if (from >= to) return;
    const times = (columns[this.dayColumn] as Float64Column).values;
    const firstDay = Math.floor(times[selection === undefined ? from : selection[from]] / DAY_MS);
    if (isOneDay(times, firstDay, from, to, selection)) {
      take(firstDay, from, to, selection);
      return;
    }
    for (const [day, rows] of rowsByDay(times, from, to, selection)) {
      if (this.selection.length < rows.length) this.selection = new Int32Array(rows.length * 2);
      this.selection.set(rows);
      take(day, 0, rows.length, this.selection);
    }
  }

  private isFull(writer: ParquetFileWriter): boolean {
    return writer.bytesEstimate >= this.options.fileBytesMax;
  }

  private writerOf(day: number): ParquetFileWriter {
    if (day === this.lastDay && this.lastWriter !== null) return this.lastWriter;
    let writer = this.open.get(day);
    if (writer === undefined) {
      if (this.open.size >= OPEN_DAYS_MAX) this.completeDay(this.open.keys().next().value as number);
      writer = new ParquetFileWriter(this.table, {}, this.spare);
      this.spare = undefined;
      this.open.set(day, writer);
    }
    this.lastDay = day;
    this.lastWriter = writer;
    return writer;
  }

  private completeDay(day: number): void {
    const writer = this.open.get(day);
    if (writer === undefined) return;
    this.open.delete(day);
    if (day === this.lastDay) this.lastWriter = null;
    this.finished.push(finishFile(this.detach(writer, day, "part")));
  }

  private detach(writer: ParquetFileWriter, day: number, epoch: number | "part"): DetachedFile {
    const steps = writer.finishInSteps();
    return {
      step: () => {
        const { done, value } = steps.next();
        if (done !== true) return null;
        this.spare = writer;
        return this.named(value, day, epoch);
      },
    };
  }

  private named(file: ParquetFile, day: number, epoch: number | "part"): FinishedFile {
    const { pieces, bytes, rows, splitOffsets, columns } = file;
    const { taskId, nonce } = this.options;
    const folder = `lake/${this.table.namespace}/${this.table.name}/data/${this.table.partitionByDayOf}_day=${dayText(day)}`;
    const key = `${folder}/${taskId}-${epoch}-${this.fileSequence++}-${nonce}.parquet`;
    const staged = { table: tableName(this.table), key, rows, bytes, day, columns, splitOffsets };
    return { staged, pieces };
  }
}

/** Uploads finished files; until a checkpoint names them they are orphans that maintenance removes. */
export async function stageFiles(
  objects: ObjectStore,
  files: readonly FinishedFile[],
): Promise<StagedFile[]> {
  for (let from = 0; from < files.length; from += UPLOADS_AT_ONCE) {
    const some = files.slice(from, from + UPLOADS_AT_ONCE);
    await Promise.all(some.map(({ staged, pieces }) => objects.put(staged.key, pieces)));
  }
  return files.map(({ staged }) => staged);
}

function rowsByDay(
  times: Float64Array,
  from: number,
  to: number,
  selection: Int32Array | undefined,
): Map<number, number[]> {
  const byDay = new Map<number, number[]>();
  for (let i = from; i < to; i++) {
    const row = selection === undefined ? i : selection[i];
    const day = Math.floor(times[row] / DAY_MS);
    const rows = byDay.get(day);
    if (rows === undefined) byDay.set(day, [row]);
    else rows.push(row);
  }
  return byDay;
}

function isOneDay(
  times: Float64Array,
  day: number,
  from: number,
  to: number,
  selection: Int32Array | undefined,
): boolean {
  const start = day * DAY_MS;
  const end = start + DAY_MS;
  for (let i = from; i < to; i++) {
    const time = times[selection === undefined ? i : selection[i]];
    if (time < start || time >= end) return false;
  }
  return true;
}

function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
