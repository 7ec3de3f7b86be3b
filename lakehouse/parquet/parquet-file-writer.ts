import {
  type Column,
  type LakeColumn,
  MillraceError,
  type TableSpec,
  tableName,
} from "../../schema/index.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { ByteSink } from "./byte-sink.ts";
import type { ChunkMetadata, ColumnEncoder, EncoderOptions } from "./column-encoder.ts";
import { type RowGroupMetadata, writeFooter } from "./footer.ts";
import { MAGIC } from "./format.ts";
import { NumberEncoder } from "./number-encoder.ts";
import { PageWriter } from "./page-writer.ts";
import { StringEncoder } from "./string-encoder.ts";

export interface ParquetWriterOptions {
  readonly compression?: "zstd";
  /** Level of zstd; 1 by default: 3 costs twice the time for a few per cent. */
  readonly zstdLevel?: number;
  /** Rows after which a page is closed; 65,536 by default. */
  readonly pageRows?: number;
  /** Bytes after which a page of distinct strings is closed; 1 MiB by default. */
  readonly pageBytes?: number;
  /** Bytes of distinct strings after which a column chunk goes on without dictionary; 8 MiB by default. */
  readonly dictionaryBytes?: number;
  /** Rows of a row group; 1,048,576 by default. */
  readonly rowGroupRows?: number;
  /**
   * `delta` (default): integers as DELTA_BINARY_PACKED, distinct strings as DELTA_LENGTH_BYTE_ARRAY.
   * `plain`: only PLAIN and dictionaries, larger, for engines with older vectorised readers.
   */
  readonly encodings?: "delta" | "plain";
}

export interface ParquetFile {
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly splitOffsets: number[];
  readonly columns: StagedFile["columns"];
}

/**
 * Writes one Parquet file straight from columns, in memory: pages are encoded and compressed as
 * they fill, so that beyond the compressed file it holds one page and one dictionary per column.
 * Format: https://github.com/apache/parquet-format. Nothing is durable before the caller stores
 * the bytes.
 */
export class ParquetFileWriter {
  /** Rows appended so far. */
  rows = 0;
  private readonly table: TableSpec;
  private readonly encoders: readonly ColumnEncoder[];
  private readonly rowGroupRows: number;
  private readonly rowGroups: RowGroupMetadata[] = [];
  private readonly parts: Uint8Array[] = [MAGIC];
  private groupRows = 0;
  private length = MAGIC.length;
  private finished = false;

  /**
   * @param finished a finished writer of the same table and options, whose buffers this one takes
   *   over; it is of no use any more
   */
  constructor(table: TableSpec, options: ParquetWriterOptions = {}, finished?: ParquetFileWriter) {
    const pageRows = options.pageRows ?? 65_536;
    const encoding = {
      pageRows,
      pageBytes: options.pageBytes ?? 1024 * 1024,
      dictionaryBytes: options.dictionaryBytes ?? 8 * 1024 * 1024,
      delta: options.encodings !== "plain",
    };
    this.table = table;
    this.rowGroupRows = options.rowGroupRows ?? 1_048_576;
    if (finished !== undefined) {
      this.encoders = finished.handOver(table);
      return;
    }
    const writer = new PageWriter(options.zstdLevel ?? 1);
    this.encoders = table.columns.map((column, i, { length }) => {
      // Closing pages takes time: those of one table are spread over the batches that come in.
      const firstPageRows = Math.ceil(pageRows / 2 + (pageRows / 2) * ((i + 1) / length));
      return createEncoder(column, { ...encoding, firstPageRows }, writer);
    });
  }

  /** Estimated size of the finished file: what is encoded, and what is pending. */
  get bytesEstimate(): number {
    let bytes = this.length;
    for (const encoder of this.encoders) bytes += encoder.bytesEstimate + 60;
    return Math.round(bytes);
  }

  /**
   * Appends rows `[from, to)` of columns in the table's order, or the rows that
   * `selection[from, to)` lists. Copies what it needs.
   *
   * @throws MillraceError where columns do not fit the table: a bug of the caller
   */
  append(columns: readonly Column[], from: number, to: number, selection?: Int32Array): void {
    this.requireFit(columns);
    let at = from;
    while (at < to) {
      const end = Math.min(to, at + this.rowGroupRows - this.groupRows);
      for (let i = 0; i < columns.length; i++) this.encoders[i].append(columns[i], at, end, selection);
      this.groupRows += end - at;
      this.rows += end - at;
      at = end;
      if (this.groupRows === this.rowGroupRows) for (const _ of this.endRowGroup());
    }
  }

  /** Completes the file; the writer is of no use after it. */
  finish(): ParquetFile {
    const steps = this.finishInSteps();
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  }

  /** As {@link finish}, a column a step: each takes a millisecond or two. */
  *finishInSteps(): Generator<undefined, ParquetFile> {
    if (this.groupRows > 0) yield* this.endRowGroup();
    this.finished = true;
    const footer = new ByteSink(4096);
    writeFooter(footer, this.table, this.rowGroups);
    footer.int32(footer.length);
    footer.append(MAGIC);
    return {
      bytes: Buffer.concat([...this.parts.splice(0), footer.content()]),
      rows: this.rows,
      splitOffsets: this.rowGroups.map((group) => group.offset),
      columns: this.encoders.map(fileColumn),
    };
  }

  private handOver(table: TableSpec): readonly ColumnEncoder[] {
    if (!this.finished || this.table !== table) {
      throw new MillraceError(
        `the writer of ${tableName(this.table)} cannot give its buffers to one of ${tableName(table)}; finish it, and pass it for the same table`,
        { code: "writer-not-reusable", origin: "internal" },
      );
    }
    for (const encoder of this.encoders) encoder.beginFile();
    return this.encoders;
  }

  private *endRowGroup(): Generator<undefined, void> {
    const chunks: ChunkMetadata[] = [];
    for (const encoder of this.encoders) {
      const chunk = encoder.finishChunk(this.parts, this.length);
      this.length += chunk.compressedBytes;
      chunks.push(chunk);
      yield;
    }
    const [first] = chunks;
    const offset = first.dictionaryPageOffset ?? first.dataPageOffset;
    this.rowGroups.push({ rows: this.groupRows, offset, chunks });
    this.groupRows = 0;
  }

  private requireFit(columns: readonly Column[]): void {
    if (this.finished) {
      throw new MillraceError(
        `the file of ${tableName(this.table)} is finished; begin another one for more rows`,
        { code: "file-finished", origin: "internal" },
      );
    }
    if (columns.length !== this.encoders.length) {
      throw new MillraceError(
        `${tableName(this.table)} has ${this.encoders.length} columns but got ${columns.length}; pass all, in the table's order`,
        { code: "column-count-mismatch", origin: "internal" },
      );
    }
  }
}

function createEncoder(column: LakeColumn, options: EncoderOptions, writer: PageWriter): ColumnEncoder {
  const { type } = column;
  return type === "string"
    ? new StringEncoder(column, options, writer)
    : new NumberEncoder({ ...column, type }, options, writer);
}

function fileColumn(encoder: ColumnEncoder): StagedFile["columns"][number] {
  const { min, max } = encoder.fileBounds();
  return {
    id: encoder.column.id,
    values: encoder.fileRows,
    nulls: encoder.fileNulls,
    bytes: encoder.fileBytes,
    lower: min === null ? null : base64(min),
    upper: max === null ? null : base64(max),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
