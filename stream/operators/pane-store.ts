import { PAGE_SHIFT, type SlotArray, type StateSection } from "../../schema/index.ts";

/** Numbers of an entry: its key and three that count. */
export const ENTRY_NUMBERS = 4;
const CHUNK_ENTRIES = 128;
const CHUNK_SHIFT = 9;
const NONE = -1;

/**
 * Lists of entries (key and three numbers) by pane, in chunks that are used again. How many panes are
 * live is not bounded by the configuration: a source may run ahead of the others.
 */
export class PaneStore<V extends Int32Array | Float64Array> {
  private readonly values: SlotArray<V>;
  private readonly chunkNext: SlotArray<Int32Array>;
  /** (pane, first chunk, last chunk, entries) of each row; pane -1 is a free row. */
  private readonly rows: SlotArray<Float64Array>;
  /** Chunks in use or free, and the first free one. */
  private readonly numbers: SlotArray<Float64Array>;
  private index: Map<number, number> | null = null;

  constructor(section: StateSection, name: string, values: SlotArray<V>) {
    this.values = values;
    this.chunkNext = section.int32(`${name}-chunks`, NONE);
    this.rows = section.float64(`${name}-panes`);
    this.numbers = section.float64(`${name}-numbers`);
    this.numbers.ensure(2);
    this.numbers.values[1] = NONE;
    this.numbers.mark(0);
  }

  /** Panes in use, in no order. */
  panes(): IterableIterator<number> {
    return this.paneIndex().keys();
  }

  add(pane: number, key: number, a: number, b: number, c: number): void {
    const row = this.paneIndex().get(pane) ?? this.openRow(pane);
    const at = row * 4;
    const rows = this.rows.values;
    const place = rows[at + 3] % CHUNK_ENTRIES;
    if (place === 0) this.addChunk(at);
    const entry = ((rows[at + 2] * CHUNK_ENTRIES + place) << 2) >>> 0;
    const { values, dirty } = this.values;
    values[entry] = key;
    values[entry + 1] = a;
    values[entry + 2] = b;
    values[entry + 3] = c;
    dirty[entry >>> PAGE_SHIFT] = 1;
    rows[at + 3] += 1;
    this.rows.mark(at);
  }

  /**
   * Calls back the pane's entries, a run of them at a time: those in `values[from, to)`, four numbers
   * each. One key may have several.
   */
  eachRun(pane: number, take: (values: V, from: number, to: number) => void): void {
    const row = this.paneIndex().get(pane);
    if (row === undefined) return;
    let left = this.rows.values[row * 4 + 3];
    for (let chunk = this.rows.values[row * 4 + 1]; left > 0; chunk = this.chunkNext.values[chunk]) {
      const from = chunk << CHUNK_SHIFT;
      take(this.values.values, from, from + Math.min(left, CHUNK_ENTRIES) * ENTRY_NUMBERS);
      left -= CHUNK_ENTRIES;
    }
  }

  /** Drops all panes before this one. */
  dropBefore(pane: number): void {
    for (const [candidate, row] of this.paneIndex()) {
      if (candidate >= pane) continue;
      this.paneIndex().delete(candidate);
      const at = row * 4;
      this.chunkNext.values[this.rows.values[at + 2]] = this.numbers.values[1];
      this.chunkNext.mark(this.rows.values[at + 2]);
      this.numbers.values[1] = this.rows.values[at + 1];
      this.numbers.mark(0);
      this.rows.values[at] = NONE;
      this.rows.mark(at);
    }
  }

  afterRestore(): void {
    this.index = null;
  }

  private paneIndex(): Map<number, number> {
    if (this.index !== null) return this.index;
    this.index = new Map();
    for (let row = 0; row * 4 < this.rows.length; row++) {
      if (this.rows.values[row * 4] !== NONE) this.index.set(this.rows.values[row * 4], row);
    }
    return this.index;
  }

  private openRow(pane: number): number {
    let row = 0;
    while (row * 4 < this.rows.length && this.rows.values[row * 4] !== NONE) row += 1;
    this.rows.ensure((row + 1) * 4);
    this.rows.values.set([pane, NONE, NONE, 0], row * 4);
    this.rows.mark(row * 4);
    this.paneIndex().set(pane, row);
    return row;
  }

  private addChunk(at: number): void {
    const rows = this.rows.values;
    const chunk = this.takeChunk();
    if (rows[at + 2] === NONE) rows[at + 1] = chunk;
    else {
      this.chunkNext.values[rows[at + 2]] = chunk;
      this.chunkNext.mark(rows[at + 2]);
    }
    rows[at + 2] = chunk;
  }

  private takeChunk(): number {
    const numbers = this.numbers.values;
    this.numbers.mark(0);
    let chunk = numbers[1];
    if (chunk !== NONE) numbers[1] = this.chunkNext.values[chunk];
    else {
      chunk = numbers[0];
      numbers[0] = chunk + 1;
      this.chunkNext.ensure(chunk + 1);
      this.values.ensure((chunk + 1) << CHUNK_SHIFT);
    }
    this.chunkNext.values[chunk] = NONE;
    this.chunkNext.mark(chunk);
    return chunk;
  }
}
