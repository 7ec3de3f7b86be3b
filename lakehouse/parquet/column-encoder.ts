import { type Column, type LakeColumn, MillraceError } from "../../schema/index.ts";
import { encodeRun, encodeRuns } from "./bit-pack.ts";
import type { Bounds, NumberRange, StringRange } from "./bounds.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { Encoding } from "./format.ts";
import type { PageSize, PageWriter } from "./page-writer.ts";

export interface EncoderOptions {
  /** A page is closed at this many rows, which bounds the scratch buffers. */
  readonly pageRows: number;
  /** The same for the first page of a chunk, so that the columns of a file do not close theirs together. */
  readonly firstPageRows: number;
  /** A page of strings is closed at this many bytes. */
  readonly pageBytes: number;
  /** A dictionary is closed at this many bytes, and the rest of the chunk written without one. */
  readonly dictionaryBytes: number;
  /** Whether the delta encodings may be used besides PLAIN and dictionaries. */
  readonly delta: boolean;
}

/** One column of one row group: its pages, wherever in a file they will lie, and what is said of them. */
export interface EncodedChunk {
  /** The dictionary page, if there is one, then the data pages; never changed after this. */
  readonly parts: readonly Uint8Array[];
  readonly rows: number;
  readonly nulls: number;
  readonly range: NumberRange | StringRange;
  /** Data pages by encoding. */
  readonly pages: ReadonlyMap<Encoding, number>;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** Bytes of the dictionary page; 0 where there is none. */
  readonly dictionaryBytes: number;
}

export interface EncodedValues {
  readonly encoding: Encoding;
  readonly bounds: Bounds;
}

/**
 * Encodes one column of a file, page by page as rows come in. Subclasses keep the values of the
 * open page, without nulls; this keeps the definition levels (1 = present) and the closed pages.
 *
 * Where two files take the same values, the encoder of one can {@link follow} that of the other: it
 * takes nothing itself and has the other's chunks, until it parts and goes on with a copy.
 */
export abstract class ColumnEncoder {
  readonly column: LakeColumn;
  protected readonly options: EncoderOptions;
  protected readonly writer: PageWriter;
  /** Definition levels of the open page; null for a required column. */
  protected levels: Uint8Array<ArrayBuffer> | null;
  /** Rows of the open page, without `leadingNulls`. */
  protected pageRows = 0;
  /** Values (rows that are not null) of the open page. */
  protected pageValues = 0;
  private pages: Uint8Array[] = [];
  private pageBytes = 0;
  /** Nulls of the open page before its first value: columns that are never set cost one page. */
  private leadingNulls = 0;
  /** Rows for which the page buffers have room; they grow to `pageRows`, as most files are small. */
  private capacity = 0;
  private chunkRows = 0;
  private chunkNulls = 0;
  /** Rows at which the open page is closed. */
  private pageRowsMax: number;
  private uncompressedBytes = 0;
  private pageCounts = new Map<Encoding, number>();
  /**
   * What a row takes compressed, as the last pages had it. Two integers: a field that turns from an integer
   * into a fraction changes the class's layout in V8, and optimised code of earlier ones then bails out
   * at every call.
   */
  private knownBytes = 4;
  private knownRows = 1;
  private leader: ColumnEncoder | null = null;
  private follower: ColumnEncoder | null = null;
  /** The chunk that the leader finished and this one has not handed on. */
  private inherited: EncodedChunk | null = null;

  constructor(column: LakeColumn, options: EncoderOptions, writer: PageWriter) {
    this.column = column;
    this.options = options;
    this.writer = writer;
    this.pageRowsMax = options.firstPageRows;
    this.levels = column.required ? null : new Uint8Array(0);
  }

  /** Appends the rows `[from, to)`, or those that `selection[from, to)` lists. */
  append(column: Column, from: number, to: number, selection: Int32Array | undefined): void {
    let at = from;
    while (at < to) {
      const end = Math.min(to, at + this.pageRowsMax - this.pageRows);
      this.reserveRows(this.pageRows + end - at);
      at = this.take(column, at, end, selection);
      if (this.pageRows === this.pageRowsMax) this.endPage();
    }
  }

  /** Whether this one takes no values, having another's. */
  get isFollowing(): boolean {
    return this.leader !== null;
  }

  /** Whether another encoder of the same table column type could take this one's place. */
  canFollow(leader: ColumnEncoder): boolean {
    const { column, options } = this;
    return (
      leader.follower === null &&
      leader.leader === null &&
      leader.column.type === column.type &&
      leader.column.required === column.required &&
      leader.options.delta === options.delta
    );
  }

  /** From here on the values of `leader` are this one's too. Both are at the beginning of a chunk. */
  follow(leader: ColumnEncoder): void {
    this.leader = leader;
    leader.follower = this;
  }

  /** Goes on by itself from where the leader is: with a copy of its open page, and its closed ones. */
  part(): void {
    const { leader } = this;
    if (leader === null) return;
    this.leader = null;
    leader.follower = null;
    this.copyPage(leader);
    this.copyValues(leader as this);
  }

  /** Expected size of what was appended to the open chunk. */
  get bytesEstimate(): number {
    if (this.leader !== null) return this.leader.bytesEstimate;
    const pending = this.pageRows + this.leadingNulls;
    const open = (this.pageRows * this.knownBytes) / this.knownRows;
    return this.pageBytes + open + (pending > 0 ? 40 : 0);
  }

  /** Closes the chunk and begins another. */
  finishChunk(): EncodedChunk {
    if (this.inherited !== null) {
      const { inherited } = this;
      this.inherited = null;
      return inherited;
    }
    this.part();
    this.closePage();
    const parts: Uint8Array[] = [];
    const dictionary = this.writeDictionary(parts);
    for (const page of this.pages) parts.push(page);
    const chunk: EncodedChunk = {
      parts,
      rows: this.chunkRows,
      nulls: this.chunkNulls,
      range: this.takeChunkRange(),
      pages: this.pageCounts,
      uncompressedBytes: this.uncompressedBytes + (dictionary?.uncompressed ?? 0),
      compressedBytes: this.pageBytes + (dictionary?.compressed ?? 0),
      dictionaryBytes: dictionary?.compressed ?? 0,
    };
    this.chunkRows = 0;
    this.chunkNulls = 0;
    this.pageRowsMax = this.options.firstPageRows;
    this.uncompressedBytes = 0;
    this.pageCounts = new Map();
    this.pages = [];
    this.pageBytes = 0;
    if (this.follower !== null) this.follower.inherited = chunk;
    return chunk;
  }

  /** The file is complete: whoever followed has its last chunk and follows no more. */
  endFile(): void {
    if (this.follower === null) return;
    this.follower.leader = null;
    this.follower = null;
  }

  /** A range as the formats write it. */
  abstract boundsOf(range: EncodedChunk["range"]): Bounds;

  /** The range of several chunks together. */
  abstract merge(ranges: readonly EncodedChunk["range"][]): EncodedChunk["range"];

  /**
   * Copies rows into the open page and counts `pageRows` and `pageValues` up; may stop early.
   *
   * @returns the first row that was not taken
   */
  protected abstract take(
    column: Column,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): number;

  /** Gives the buffers of values room for `capacity` rows, keeping those of the open page. */
  protected abstract growValues(capacity: number): void;

  /** Appends the open page's values to the writer's body. */
  protected abstract encodeValues(body: ByteSink): EncodedValues;

  /** Range of the chunk; begins the next one. */
  protected abstract takeChunkRange(): EncodedChunk["range"];

  /** Takes over the values of the other's open page, its range and its dictionary, as copies. */
  protected abstract copyValues(other: this): void;

  /** Appends the chunk's dictionary page, if it has one. */
  protected writeDictionary(_out: Uint8Array[]): PageSize | null {
    return null;
  }

  /** Closes the open page, unless it has nothing but nulls: then it goes on. */
  protected endPage(): void {
    if (this.pageValues > 0) {
      this.closePage();
      return;
    }
    this.leadingNulls += this.pageRows;
    this.pageRows = 0;
  }

  protected refuseNull(): never {
    throw new MillraceError(
      `column ${this.column.name} is required but has a null in row ${this.chunkRows + this.leadingNulls + this.pageRows} of the row group; give every required column a value`,
      { code: "null-in-required-column", origin: "internal" },
    );
  }

  protected refuseKind(column: Column): never {
    throw new MillraceError(
      `column ${this.column.name} of type ${this.column.type} cannot hold a column of kind ${column.kind}; pass the columns in the table's order`,
      { code: "column-kind-mismatch", origin: "internal" },
    );
  }

  private copyPage(other: ColumnEncoder): void {
    this.reserveRows(other.capacity);
    if (this.levels !== null && other.levels !== null) this.levels.set(other.levels);
    this.pageRows = other.pageRows;
    this.pageValues = other.pageValues;
    this.pages = [...other.pages];
    this.pageBytes = other.pageBytes;
    this.leadingNulls = other.leadingNulls;
    this.chunkRows = other.chunkRows;
    this.chunkNulls = other.chunkNulls;
    this.pageRowsMax = other.pageRowsMax;
    this.uncompressedBytes = other.uncompressedBytes;
    this.pageCounts = new Map(other.pageCounts);
    this.knownBytes = other.knownBytes;
    this.knownRows = other.knownRows;
  }

  private reserveRows(rows: number): void {
    if (rows <= this.capacity) return;
    // Runs are padded to 8 values in place.
    const capacity = Math.min(this.options.pageRows, Math.max(rows, this.capacity * 2, 64));
    if (this.levels !== null) {
      const levels = new Uint8Array((capacity + 7) & ~7);
      levels.set(this.levels);
      this.levels = levels;
    }
    this.growValues((capacity + 7) & ~7);
    this.capacity = capacity;
  }

  private closePage(): void {
    const rows = this.leadingNulls + this.pageRows;
    if (rows === 0) return;
    const nulls = rows - this.pageValues;
    const { body } = this.writer;
    if (this.levels !== null) this.encodeLevels(body, this.levels, nulls);
    const { encoding, bounds } = this.encodeValues(body);
    const size = this.writer.data(this.pages, { rows, nulls, encoding, bounds });
    this.uncompressedBytes += size.uncompressed;
    this.pageBytes += size.compressed;
    this.pageCounts.set(encoding, (this.pageCounts.get(encoding) ?? 0) + 1);
    this.chunkRows += rows;
    this.chunkNulls += nulls;
    this.leadingNulls = 0;
    this.pageRows = 0;
    this.pageValues = 0;
    this.pageRowsMax = this.options.pageRows;
    this.knownBytes = this.pageBytes;
    this.knownRows = this.chunkRows;
  }

  /** Definition levels: a 4-byte length, then runs. */
  private encodeLevels(body: ByteSink, levels: Uint8Array, nulls: number): void {
    const lengthAt = body.length;
    body.int32(0);
    if (this.leadingNulls > 0) encodeRun(body, 0, this.leadingNulls, 1);
    if (nulls === 0) encodeRun(body, 1, this.pageRows, 1);
    else encodeRuns(body, levels, this.pageRows, 1);
    body.view.setInt32(lengthAt, body.length - lengthAt - 4, true);
  }
}
