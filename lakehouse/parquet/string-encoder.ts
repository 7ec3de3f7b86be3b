import { type Column, NULL_ENUM, type TextColumn } from "../../schema/index.ts";
import { bitWidth, encodeRuns } from "./bit-pack.ts";
import { type Bounds, NO_BOUNDS, StringRange } from "./bounds.ts";
import { ByteSink, wordsOf } from "./byte-sink.ts";
import { ColumnEncoder, type EncodedChunk, type EncodedValues } from "./column-encoder.ts";
import { encodeDelta } from "./delta.ts";
import { Encoding } from "./format.ts";
import { type ByteEntries, LocalDictionary, SOURCES_MAX } from "./local-dictionary.ts";
import type { PageSize } from "./page-writer.ts";

/** A dictionary with more entries is closed, as one with too many bytes is. */
const DICTIONARY_ENTRIES_MAX = 1 << 20;

/**
 * When a dictionary is given up: of the first 4,096 values all but 12 distinct (an id column; a
 * domain of 200,000 values would already repeat some 40 times), or of the first page nine in ten.
 */
const EARLY_SAMPLE = 4096;
const EARLY_DISTINCT_SHARE = 0.997;
const PAGE_DISTINCT_SHARE = 0.9;

/** Strings of texts, keys and enums: by dictionary, or back to back where most are distinct. */
export class StringEncoder extends ColumnEncoder {
  private readonly dictionary = new LocalDictionary();
  private readonly symbols = new Map<readonly string[], ByteEntries>();
  private chunk = new StringRange();
  /** Dictionary mode: the page's local ids. */
  private ids = new Int32Array(0);
  /** Direct mode: the page's values back to back in `heap`, and their ends; `ids` is scratch then. */
  private readonly heap = new ByteSink(1024);
  private ends = new Int32Array(0);
  private direct = false;
  /** Whether the chunk's first page is not closed yet, so that the dictionary can be dropped. */
  private firstPage = true;
  private sampled = false;

  override get bytesEstimate(): number {
    if (this.isFollowing) return super.bytesEstimate;
    // A dictionary compresses to about half.
    return super.bytesEstimate + this.dictionary.heap.length / 2;
  }

  override boundsOf(range: EncodedChunk["range"]): Bounds {
    return (range as StringRange).bounds();
  }

  override merge(ranges: readonly EncodedChunk["range"][]): StringRange {
    const merged = new StringRange();
    for (const range of ranges) merged.include(range as StringRange);
    return merged;
  }

  protected override growValues(capacity: number): void {
    const ids = new Int32Array(capacity);
    ids.set(this.ids);
    this.ids = ids;
    if (this.direct) this.growEnds();
  }

  protected override take(
    column: Column,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): number {
    // Up to the early sample in small steps, to stop at it.
    const end = this.sampled ? to : Math.min(to, from + EARLY_SAMPLE);
    const next = this.takeSome(column, from, end, selection);
    // Only the first page can still be written without the dictionary: closed ones refer to it.
    if (this.firstPage && !this.sampled && this.pageValues >= EARLY_SAMPLE) {
      this.sampled = true;
      if (!this.direct && this.dictionary.size >= this.pageValues * EARLY_DISTINCT_SHARE)
        this.dropDictionary();
    }
    if (this.direct) {
      if (this.heap.length >= this.options.pageBytes) this.endPage();
    } else if (this.isDictionaryFull()) {
      this.closeDictionary();
    }
    return next;
  }

  protected override encodeValues(body: ByteSink): EncodedValues {
    if (this.pageValues === 0) return { encoding: Encoding.plain, bounds: NO_BOUNDS };
    const isDistinct = this.dictionary.size >= this.pageValues * PAGE_DISTINCT_SHARE;
    if (this.firstPage && !this.direct && isDistinct) this.dropDictionary();
    this.firstPage = false;
    return this.direct ? this.encodeDirect(body) : this.encodeIds(body);
  }

  protected override writeDictionary(out: Uint8Array[]): PageSize | null {
    const { dictionary } = this;
    const { size } = dictionary;
    this.chunk.scan(dictionary.heap.bytes, dictionary.heap.view, dictionary.ends, size);
    let page: PageSize | null = null;
    if (size > 0) {
      encodePlain(this.writer.body, dictionary.heap, dictionary.ends, size);
      page = this.writer.dictionary(out, size);
    }
    dictionary.clear();
    this.direct = false;
    this.firstPage = true;
    this.sampled = false;
    return page;
  }

  protected override takeChunkRange(): StringRange {
    const { chunk } = this;
    this.chunk = new StringRange();
    return chunk;
  }

  protected override copyValues(other: this): void {
    const { pageValues } = other;
    this.dictionary.copy(other.dictionary);
    this.chunk = this.merge([other.chunk]);
    this.firstPage = other.firstPage;
    this.sampled = other.sampled;
    this.direct = other.direct;
    if (this.direct) {
      this.beginDirect();
      this.heap.append(other.heap.content());
      this.ends.set(other.ends.subarray(0, pageValues));
    } else this.ids.set(other.ids.subarray(0, pageValues));
  }

  private takeSome(column: Column, from: number, to: number, selection: Int32Array | undefined): number {
    switch (column.kind) {
      case "text":
        if (column.empty === true) return this.takeNulls(from, to);
        if (column.interned) return this.takeSome(column.interned, from, to, selection);
        return this.direct
          ? this.takeTextDirect(column, from, to, selection)
          : this.takeText(column, from, to, selection);
      case "key":
        return this.takeInterned(column.dictionary, gatherIds(column.ids, from, to, selection), from);
      case "enum":
        return this.takeInterned(
          this.symbolsOf(column.symbols),
          gatherCodes(column.codes, from, to, selection),
          from,
        );
      default:
        return this.refuseKind(column);
    }
  }

  private takeText(column: TextColumn, from: number, to: number, selection: Int32Array | undefined): number {
    const { dictionary, ids, pageRows } = this;
    const { dictionaryBytes } = this.options;
    const { bytes, start, end } = column;
    const words = wordsOf(bytes);
    const levels = this.presentLevels(to - from);
    const shift = pageRows - from;
    let count = this.pageValues;
    let i = from;
    for (; i < to && dictionary.heap.length <= dictionaryBytes; i++) {
      const index = selection === undefined ? i : selection[i];
      const begin = start[index];
      if (begin >= 0) ids[count++] = dictionary.intern(bytes, words, begin, end[index]);
      else if (levels !== null) levels[shift + i] = 0;
      else this.refuseNull();
    }
    return this.tookUpTo(i, shift + i, count);
  }

  private takeNulls(from: number, to: number): number {
    const { levels, pageRows } = this;
    if (levels === null) this.refuseNull();
    levels.fill(0, pageRows, pageRows + to - from);
    return this.tookUpTo(to, pageRows + to - from, this.pageValues);
  }

  private takeTextDirect(
    column: TextColumn,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): number {
    const { heap, ends, pageRows } = this;
    const { bytes, start, end } = column;
    const words = wordsOf(bytes);
    const heapMax = this.options.pageBytes;
    const levels = this.presentLevels(to - from);
    const shift = pageRows - from;
    let count = this.pageValues;
    let i = from;
    for (; i < to && heap.length < heapMax; i++) {
      const index = selection === undefined ? i : selection[i];
      const begin = start[index];
      if (begin >= 0) {
        heap.copy(bytes, words, begin, end[index]);
        ends[count++] = heap.length;
      } else if (levels !== null) levels[shift + i] = 0;
      else this.refuseNull();
    }
    return this.tookUpTo(i, shift + i, count);
  }

  /** @param from the row whose id is `sourceIds[0]`; a negative id is null */
  private takeInterned(source: ByteEntries, sourceIds: Int32Array, from: number): number {
    if (this.direct) return this.takeInternedDirect(source, sourceIds, from);
    const { dictionary, ids, pageRows } = this;
    const { dictionaryBytes } = this.options;
    const { length } = sourceIds;
    const levels = this.presentLevels(length);
    const translation = dictionary.translation(source);
    const { locals } = translation;
    const { firstLocal } = dictionary;
    let words: DataView | null = null;
    let count = this.pageValues;
    let i = 0;
    while (i < length) {
      const id = sourceIds[i++];
      if (id < 0) {
        if (levels === null) this.refuseNull();
        levels[pageRows + i - 1] = 0;
        continue;
      }
      const local = locals[id] - firstLocal;
      if (local >= 0) {
        ids[count++] = local;
        continue;
      }
      words ??= wordsOf(source.heap);
      ids[count++] = dictionary.addFrom(source, words, translation, id);
      if (dictionary.heap.length > dictionaryBytes) break;
    }
    return this.tookUpTo(from + i, pageRows + i, count);
  }

  private takeInternedDirect(source: ByteEntries, sourceIds: Int32Array, from: number): number {
    const { heap, ends, pageRows } = this;
    const { length } = sourceIds;
    const levels = this.presentLevels(length);
    const words = wordsOf(source.heap);
    const heapMax = this.options.pageBytes;
    let count = this.pageValues;
    let i = 0;
    for (; i < length && heap.length < heapMax; i++) {
      const id = sourceIds[i];
      if (id < 0) {
        if (levels === null) this.refuseNull();
        levels[pageRows + i] = 0;
        continue;
      }
      heap.copy(source.heap, words, id === 0 ? 0 : source.ends[id - 1], source.ends[id]);
      ends[count++] = heap.length;
    }
    return this.tookUpTo(from + i, pageRows + i, count);
  }

  /** The levels, with those of the next rows set to present. */
  private presentLevels(rows: number): Uint8Array | null {
    return this.levels?.fill(1, this.pageRows, this.pageRows + rows) ?? null;
  }

  private tookUpTo(next: number, rows: number, values: number): number {
    this.pageRows = rows;
    this.pageValues = values;
    return next;
  }

  private symbolsOf(symbols: readonly string[]): ByteEntries {
    let entries = this.symbols.get(symbols);
    if (entries === undefined) {
      entries = encodeSymbols(symbols);
      if (this.symbols.size === SOURCES_MAX) this.symbols.clear();
      this.symbols.set(symbols, entries);
    }
    return entries;
  }

  private isDictionaryFull(): boolean {
    return (
      this.dictionary.heap.length > this.options.dictionaryBytes ||
      this.dictionary.size > DICTIONARY_ENTRIES_MAX
    );
  }

  /** Ends the use of the dictionary, which is kept where closed pages refer to it. */
  private closeDictionary(): void {
    if (this.firstPage) {
      this.dropDictionary();
      return;
    }
    this.endPage();
    this.beginDirect();
  }

  /** Turns the open page, the chunk's first, into direct values and forgets the dictionary. */
  private dropDictionary(): void {
    this.beginDirect();
    const { heap, ends, ids, dictionary, pageValues } = this;
    const { view } = dictionary.heap;
    for (let i = 0; i < pageValues; i++) {
      const id = ids[i];
      heap.copy(dictionary.heap.bytes, view, id === 0 ? 0 : dictionary.ends[id - 1], dictionary.ends[id]);
      ends[i] = heap.length;
    }
    dictionary.clear();
  }

  private beginDirect(): void {
    this.direct = true;
    this.growEnds();
    this.heap.clear();
  }

  private growEnds(): void {
    if (this.ends.length === this.ids.length) return;
    const ends = new Int32Array(this.ids.length);
    ends.set(this.ends);
    this.ends = ends;
  }

  private encodeIds(body: ByteSink): EncodedValues {
    // Not every reader takes a width of 0, which a dictionary of one entry would allow.
    const width = Math.max(1, bitWidth(this.dictionary.size - 1));
    body.byte(width);
    encodeRuns(body, this.ids, this.pageValues, width);
    return { encoding: Encoding.rleDictionary, bounds: NO_BOUNDS };
  }

  private encodeDirect(body: ByteSink): EncodedValues {
    const { heap, ends, pageValues } = this;
    const page = new StringRange();
    page.scan(heap.bytes, heap.view, ends, pageValues);
    this.chunk.include(page);
    if (this.options.delta) encodeDeltaLength(body, heap, ends, pageValues, this.ids);
    else encodePlain(body, heap, ends, pageValues);
    heap.clear();
    return {
      encoding: this.options.delta ? Encoding.deltaLengthByteArray : Encoding.plain,
      bounds: page.bounds(),
    };
  }
}

/** Scratch of the two functions below; what they return is valid until the next call. */
let gathered = new Int32Array(4096);

function gatherIds(ids: Int32Array, from: number, to: number, selection: Int32Array | undefined): Int32Array {
  if (selection === undefined) return ids.subarray(from, to);
  const count = to - from;
  if (count > gathered.length) gathered = new Int32Array(count * 2);
  for (let i = 0; i < count; i++) gathered[i] = ids[selection[from + i]];
  return gathered.subarray(0, count);
}

/** As {@link gatherIds}, with null as -1. */
function gatherCodes(
  codes: Uint8Array,
  from: number,
  to: number,
  selection: Int32Array | undefined,
): Int32Array {
  const count = to - from;
  if (count > gathered.length) gathered = new Int32Array(count * 2);
  for (let i = 0; i < count; i++) {
    const code = codes[selection === undefined ? from + i : selection[from + i]];
    gathered[i] = code === NULL_ENUM ? -1 : code;
  }
  return gathered.subarray(0, count);
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. `lengths` is scratch. */
function encodeDeltaLength(
  body: ByteSink,
  heap: ByteSink,
  ends: Int32Array,
  count: number,
  lengths: Int32Array,
): void {
  for (let i = 0, start = 0; i < count; i++) {
    lengths[i] = ends[i] - start;
    start = ends[i];
  }
  encodeDelta(body, lengths, count, 1);
  body.append(heap.content());
}

/** PLAIN: each value behind its length. */
function encodePlain(body: ByteSink, heap: ByteSink, ends: Int32Array, count: number): void {
  const { bytes, view } = heap;
  for (let i = 0, start = 0; i < count; i++) {
    body.int32(ends[i] - start);
    body.copy(bytes, view, start, ends[i]);
    start = ends[i];
  }
}

function encodeSymbols(symbols: readonly string[]): ByteEntries {
  const heap = new TextEncoder().encode(symbols.join(""));
  const ends = new Int32Array(symbols.length);
  let end = 0;
  symbols.forEach((symbol, index) => {
    end += Buffer.byteLength(symbol);
    ends[index] = end;
  });
  return { heap, ends, size: symbols.length, generation: 0 };
}
