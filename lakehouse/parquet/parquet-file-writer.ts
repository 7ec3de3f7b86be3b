import {
  type Column,
  type LakeColumn,
  MillraceError,
  type TableSpec,
  tableName,
} from "../../schema/index.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { ByteSink } from "./byte-sink.ts";
import type { ColumnEncoder, EncoderOptions } from "./column-encoder.ts";
import { type ChunkMetadata, type RowGroupMetadata, writeFooter } from "./footer.ts";
import { MAGIC } from "./format.ts";
import { NumberEncoder } from "./number-encoder.ts";
import { PageWriter } from "./page-writer.ts";
import { sameValues } from "./same-values.ts";
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
  /** The file's pieces in their order. A twin's file may share them: whoever is done with them leaves them alone. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly rows: number;
  readonly splitOffsets: number[];
  readonly columns: StagedFile["columns"];
}

/**
 * Writes one Parquet file straight from columns, in memory: pages are encoded and compressed as
 * they fill, so that beyond the compressed file it holds one page and one dictionary per column.
 * Format: https://github.com/apache/parquet-format. Nothing is durable before the caller stores
 * the bytes.
 *
 * Two tables often share most columns of their rows. A file that takes the same rows as another from
 * its beginning ({@link appendWithTwin}) follows it: what is equal in both is encoded and compressed
 * once. With the first row that only one of them takes, or the first values that differ, it parts and
 * goes on alone.
 */
export class ParquetFileWriter {
  /** Rows appended so far. */
  rows = 0;
  private readonly table: TableSpec;
  private readonly encoders: readonly ColumnEncoder[];
  private readonly rowGroupRows: number;
  private readonly zstdLevel: number;
  private readonly rowGroups: RowGroupMetadata[] = [];
  private readonly parts: Uint8Array[] = [MAGIC];
  private groupRows = 0;
  private length = MAGIC.length;
  private state: "open" | "finishing" | "finished" = "open";
  private twin: ParquetFileWriter | null = null;
  private leader: ParquetFileWriter | null = null;
  /** Of a follower, by column: the leader's column that has its values, -1 where none has. */
  private leaderColumns: readonly number[] = [];

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
    this.zstdLevel = options.zstdLevel ?? 1;
    if (finished !== undefined) {
      this.encoders = finished.handOver(table);
      return;
    }
    const writer = new PageWriter(this.zstdLevel);
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
    this.part();
    this.twin?.part();
    for (let at = from; at < to; ) {
      const end = this.endOfPiece(at, to);
      this.take(columns, at, end, selection);
      at = end;
    }
  }

  /** As {@link append}, for this file and another, to which `twinColumns` belong: the same rows for both. */
  appendWithTwin(
    columns: readonly Column[],
    twin: ParquetFileWriter,
    twinColumns: readonly Column[],
    from: number,
    to: number,
    selection?: Int32Array,
  ): void {
    this.requireFit(columns);
    twin.requireFit(twinColumns);
    if (twin.leader !== this && !twin.follow(this, columns, twinColumns)) {
      this.append(columns, from, to, selection);
      twin.append(twinColumns, from, to, selection);
      return;
    }
    twin.partWhereDifferent(columns, twinColumns);
    for (let at = from; at < to; ) {
      const end = this.endOfPiece(at, to);
      this.take(columns, at, end, selection);
      twin.take(twinColumns, at, end, selection);
      at = end;
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
    this.state = "finishing";
    if (this.groupRows > 0) yield* this.endRowGroup();
    this.state = "finished";
    for (const encoder of this.encoders) encoder.endFile();
    const footer = new ByteSink(4096);
    writeFooter(footer, this.table, this.rowGroups);
    footer.int32(footer.length);
    footer.append(MAGIC);
    return {
      pieces: [...this.parts.splice(0), footer.content()],
      bytes: this.length + footer.length,
      rows: this.rows,
      splitOffsets: this.rowGroups.map(({ chunks: [first] }) => first.offset),
      columns: this.encoders.map((encoder, i) => fileColumn(encoder, this.rowGroups, i)),
    };
  }

  /** Follows another file, where both are empty and made alike; whether it does. */
  private follow(
    leader: ParquetFileWriter,
    leaderColumns: readonly Column[],
    columns: readonly Column[],
  ): boolean {
    const areNew = this.rows === 0 && leader.rows === 0 && leader.twin === null && leader.leader === null;
    const areAlike = this.rowGroupRows === leader.rowGroupRows && this.zstdLevel === leader.zstdLevel;
    if (!areNew || !areAlike || this.leader !== null || this.twin !== null) return false;
    this.leader = leader;
    leader.twin = this;
    this.leaderColumns = this.encoders.map((encoder, i) => {
      const found = leader.encoders.findIndex(
        (other, j) => encoder.canFollow(other) && sameValues(columns[i], leaderColumns[j]),
      );
      if (found >= 0) encoder.follow(leader.encoders[found]);
      return found;
    });
    return true;
  }

  /** Lets those columns go on alone whose values are not the leader's any more. */
  private partWhereDifferent(leaderColumns: readonly Column[], columns: readonly Column[]): void {
    for (let i = 0; i < columns.length; i++) {
      const { isFollowing } = this.encoders[i];
      if (isFollowing && !sameValues(columns[i], leaderColumns[this.leaderColumns[i]]))
        this.encoders[i].part();
    }
  }

  /** Goes on without the leader. */
  private part(): void {
    const { leader } = this;
    if (leader === null) return;
    this.leader = null;
    leader.twin = null;
    // A leader that finishes its chunks ends the follower's: what comes now needs others.
    if (leader.state !== "open" && this.groupRows > 0) for (const _ of this.endRowGroup());
    for (const encoder of this.encoders) encoder.part();
  }

  /** The end of those of rows [at, to) that the open row group has room for. */
  private endOfPiece(at: number, to: number): number {
    return Math.min(to, at + this.rowGroupRows - this.groupRows);
  }

  private take(
    columns: readonly Column[],
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): void {
    for (let i = 0; i < columns.length; i++) {
      const encoder = this.encoders[i];
      if (!encoder.isFollowing) encoder.append(columns[i], from, to, selection);
    }
    this.groupRows += to - from;
    this.rows += to - from;
    if (this.groupRows === this.rowGroupRows) for (const _ of this.endRowGroup());
  }

  private handOver(table: TableSpec): readonly ColumnEncoder[] {
    if (this.state !== "finished" || this.table !== table) {
      throw new MillraceError(
        `the writer of ${tableName(this.table)} cannot give its buffers to one of ${tableName(table)}; finish it, and pass it for the same table`,
        { code: "writer-not-reusable", origin: "internal" },
      );
    }
    return this.encoders;
  }

  private *endRowGroup(): Generator<undefined, void> {
    const chunks: ChunkMetadata[] = [];
    for (const encoder of this.encoders) {
      const { parts, ...chunk } = encoder.finishChunk();
      const bounds = encoder.boundsOf(chunk.range);
      chunks.push({ ...chunk, column: encoder.column, bounds, offset: this.length });
      for (const part of parts) this.parts.push(part);
      this.length += chunk.compressedBytes;
      yield;
    }
    this.rowGroups.push({ rows: this.groupRows, chunks });
    this.groupRows = 0;
  }

  private requireFit(columns: readonly Column[]): void {
    if (this.state !== "open") {
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

function fileColumn(
  encoder: ColumnEncoder,
  rowGroups: readonly RowGroupMetadata[],
  index: number,
): StagedFile["columns"][number] {
  const chunks = rowGroups.map((group) => group.chunks[index]);
  const { min, max } = encoder.boundsOf(encoder.merge(chunks.map(({ range }) => range)));
  const sum = (size: (chunk: ChunkMetadata) => number) =>
    chunks.reduce((total, chunk) => total + size(chunk), 0);
  return {
    id: encoder.column.id,
    values: sum(({ rows }) => rows),
    nulls: sum(({ nulls }) => nulls),
    bytes: sum(({ compressedBytes }) => compressedBytes),
    lower: min === null ? null : base64(min),
    upper: max === null ? null : base64(max),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
