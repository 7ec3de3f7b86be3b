import { KeyDictionary, type SlotArray, type StateSection } from "../../schema/index.ts";
import { PaneBlockKind, PaneBlockReader } from "./pane-block.ts";
import { SourceWatermarks } from "./source-watermarks.ts";

export interface SummedWindow {
  /** Event time, ms: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

export interface SummedWindowsOptions {
  /** Every source that may send: the watermark waits for it until it sends, or says that it is idle. */
  readonly sources: readonly string[];
  readonly width: number;
  /** Size of the first stage's panes, ms: what is due is looked for at their boundaries. */
  readonly paneMs: number;
  /** A multiple of `paneMs`; windows are tumbling. */
  readonly windowMs: number;
  readonly allowedLatenessMs: number;
  /**
   * Windows with values that a source which is behind may still correct; those of a day of event time
   * unless told. A topic may lie behind by as long as nothing came at all.
   */
  readonly keptWindows?: number;
  /**
   * A window's sums under a key, when the lowest watermark has passed its end (revision 1) and whenever
   * they have changed since (the next one). `sums` is valid during the call.
   */
  readonly report: (window: SummedWindow, key: number, sums: Float64Array, revision: number) => void;
  /** All keys of a window were reported or corrected. */
  readonly reported?: (window: SummedWindow, isCorrection: boolean) => void;
}

const IDLE_MS_MAX = 86_400_000;
const EVALUATED = 0;
const LAST_DUE = 1;
const CLOSED = 2;
const COUNT = 3;
const DROPPED_BLOCKS = 4;
const DROPPED_INCREMENTS = 5;
const NUMBERS = 6;
/** Numbers of an entry in front of its sums. */
const WINDOW = 0;
const KEY = 1;
const REVISION = 2;
const CHANGED = 3;
const HEAD = 4;

/**
 * Second stage of {@link WindowSums}: adds up the panes of all sources into tumbling windows, reports
 * each once the lowest watermark has passed its end, and corrects it while late increments come.
 */
export class SummedWindows {
  readonly keys: KeyDictionary;
  private readonly options: SummedWindowsOptions;
  private readonly sources: SourceWatermarks;
  private readonly numbers: SlotArray<Float64Array>;
  private readonly entries: SlotArray<Float64Array>;
  private readonly reader = new PaneBlockReader();
  private readonly stride: number;
  /** Window start → key → place in `entries`; derived. */
  private index: Map<number, Map<number, number>> | null = null;
  /** Windows with sums that were not reported yet; derived with the index. */
  private readonly changed = new Set<number>();
  /** Entries of closed windows; derived with the index. */
  private deadEntries = 0;

  constructor(section: StateSection, options: SummedWindowsOptions) {
    this.options = options;
    this.stride = HEAD + options.width;
    section.measure("windowMs", options.windowMs);
    this.keys = section.dictionary(new KeyDictionary("summed-keys", 64));
    this.sources = new SourceWatermarks(section, options.sources);
    this.numbers = section.float64("summed-numbers");
    this.numbers.ensure(NUMBERS);
    for (const at of [EVALUATED, LAST_DUE, CLOSED]) this.numbers.values[at] = Number.NEGATIVE_INFINITY;
    this.numbers.mark(0);
    this.entries = section.float64("summed-entries");
  }

  /** Folds a block, and reports what it makes due. */
  fold(bytes: Uint8Array, start: number): void {
    const { reader, numbers } = this;
    reader.openBlock(bytes, start);
    const kind = reader.u8();
    const sequence = reader.f64();
    const watermarkMs = reader.f64();
    reader.text();
    const source = this.sources.source(bytes, reader.textStart, reader.textEnd);
    if (kind === PaneBlockKind.idle) this.sources.setIdle(source);
    else if (kind === PaneBlockKind.behind) this.sources.setBehind(source, watermarkMs);
    else if (this.sources.accept(source, sequence, watermarkMs)) this.foldPanes();
    else numbers.values[DROPPED_BLOCKS] += 1;
    numbers.mark(0);
    this.evaluate();
  }

  afterRestore(): void {
    this.index = null;
  }

  /** What is known is complete up to here, ms; null before the first report. */
  get reportedThroughMs(): number | null {
    const evaluated = this.numbers.values[EVALUATED];
    return Number.isFinite(evaluated) ? evaluated : null;
  }

  /** Starts of the windows that are kept, ascending: those that may still change. */
  windowStarts(): number[] {
    return [...this.windows().keys()].sort((a, b) => a - b);
  }

  /** Windows that begin before this are closed: nothing changes them any more. */
  get closedMs(): number {
    return this.numbers.values[CLOSED];
  }

  /**
   * Adds what does not come in a pane to the window of a time; {@link evaluate} reports it where it is due.
   * What would fall into a closed window is counted as dropped.
   */
  add(timeMs: number, key: Uint8Array, amounts: ArrayLike<number>): void {
    const { windowMs, width } = this.options;
    const window = Math.floor(timeMs / windowMs) * windowMs;
    if (window < this.numbers.values[CLOSED]) {
      this.numbers.values[DROPPED_INCREMENTS] += 1;
      this.numbers.mark(DROPPED_INCREMENTS);
      return;
    }
    const at = this.openEntry(window, this.keys.intern(key, 0, key.length));
    const { values } = this.entries;
    for (let i = 0; i < width; i++) values[at + HEAD + i] += amounts[i];
  }

  /** Visits the keys of a window, reported or not; `sums` is valid during the call. */
  each(windowStart: number, visit: (key: number, sums: Float64Array) => void): void {
    for (const [key, at] of this.windows().get(windowStart) ?? []) visit(key, this.sumsAt(at));
  }

  /** Blocks dropped as repeats, and increments of windows that had closed. */
  dropped(): { readonly blocks: number; readonly increments: number } {
    const { values } = this.numbers;
    return { blocks: values[DROPPED_BLOCKS], increments: values[DROPPED_INCREMENTS] };
  }

  private foldPanes(): void {
    const { reader } = this;
    const { windowMs } = this.options;
    for (let panes = reader.u32(); panes > 0; panes--) {
      const window = Math.floor(reader.f64() / windowMs) * windowMs;
      const closed = window < this.numbers.values[CLOSED];
      for (let keys = reader.u32(); keys > 0; keys--) this.foldSums(window, closed);
    }
  }

  private foldSums(window: number, closed: boolean): void {
    const { reader } = this;
    const { width } = this.options;
    reader.text();
    if (closed) {
      for (let i = 0; i < width; i++) reader.f64();
      this.numbers.values[DROPPED_INCREMENTS] += 1;
      return;
    }
    const at = this.openEntry(window, this.keys.intern(reader.bytes, reader.textStart, reader.textEnd));
    const { values } = this.entries;
    for (let i = 0; i < width; i++) values[at + HEAD + i] += reader.f64();
  }

  /** Place of the entry, whose sums the caller changes. */
  private openEntry(window: number, key: number): number {
    const at = this.entryOf(window, key);
    this.entries.values[at + CHANGED] = 1;
    this.entries.markRange(at, at + this.stride);
    this.changed.add(window);
    return at;
  }

  private entryOf(window: number, key: number): number {
    const windows = this.windows();
    let byKey = windows.get(window);
    if (byKey === undefined) {
      byKey = new Map();
      windows.set(window, byKey);
    }
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const at = this.numbers.values[COUNT] * this.stride;
    this.numbers.values[COUNT] += 1;
    this.numbers.mark(COUNT);
    this.entries.ensure(at + this.stride);
    this.entries.values.fill(0, at, at + this.stride);
    this.entries.values[at + WINDOW] = window;
    this.entries.values[at + KEY] = key;
    byKey.set(key, at);
    return at;
  }

  /** Reports corrections and new windows, where the lowest watermark has come to another boundary of a pane, or no source is active. */
  evaluate(): void {
    const { paneMs, windowMs, allowedLatenessMs, keptWindows } = this.options;
    const { values } = this.numbers;
    const watermarkMs = this.sources.watermarkMs();
    const due = Math.floor(watermarkMs / paneMs) * paneMs;
    if (due === values[LAST_DUE] && this.sources.mayWait(watermarkMs)) return;
    values[LAST_DUE] = due;
    const evaluatedBefore = values[EVALUATED];
    this.windows();
    for (const start of [...this.changed].sort((a, b) => a - b)) {
      const end = start + windowMs;
      if (end > due) break;
      this.changed.delete(start);
      this.reportWindow({ start, end }, end <= evaluatedBefore);
      values[EVALUATED] = Math.max(values[EVALUATED], end);
    }
    if (Number.isFinite(due)) {
      values[EVALUATED] = Math.max(values[EVALUATED], Math.floor(due / windowMs) * windowMs);
      // An idle source that goes on brings what lies between: its windows were reported, and are corrected.
      const oldest =
        keptWindows === undefined ? watermarkMs - IDLE_MS_MAX : this.windowStarts().at(-keptWindows);
      const open = Math.min(watermarkMs, this.sources.slowestMs(oldest ?? Number.NEGATIVE_INFINITY));
      this.dropBefore(Math.floor((open - allowedLatenessMs) / windowMs) * windowMs);
    }
    this.numbers.mark(0);
  }

  private reportWindow(window: SummedWindow, isCorrection: boolean): void {
    let changed = false;
    for (const [key, at] of this.windows().get(window.start) ?? []) {
      const { values } = this.entries;
      if (values[at + CHANGED] === 0) continue;
      changed = true;
      values[at + CHANGED] = 0;
      values[at + REVISION] += 1;
      this.entries.markRange(at, at + HEAD);
      this.options.report(window, key, this.sumsAt(at), values[at + REVISION]);
    }
    if (changed) this.options.reported?.(window, isCorrection);
  }

  private sumsAt(at: number): Float64Array {
    return this.entries.values.subarray(at + HEAD, at + this.stride);
  }

  private dropBefore(window: number): void {
    if (window <= this.numbers.values[CLOSED]) return;
    const windows = this.windows();
    this.numbers.values[CLOSED] = window;
    for (const [start, byKey] of windows) {
      if (start >= window) continue;
      windows.delete(start);
      this.changed.delete(start);
      this.deadEntries += byKey.size;
    }
    // Not at every window: where a source has been silent for long, a day of them is open.
    if (this.deadEntries * 2 > this.numbers.values[COUNT]) this.compact();
  }

  /** Gives the room of entries of closed windows back. */
  private compact(): void {
    const { entries, stride, numbers } = this;
    let kept = 0;
    for (let entry = 0; entry < numbers.values[COUNT]; entry++) {
      const at = entry * stride;
      if (entries.values[at + WINDOW] < numbers.values[CLOSED]) continue;
      entries.values.copyWithin(kept * stride, at, at + stride);
      kept += 1;
    }
    numbers.values[COUNT] = kept;
    entries.markRange(0, kept * stride);
    entries.length = kept * stride;
    this.index = null;
  }

  private windows(): Map<number, Map<number, number>> {
    if (this.index !== null) return this.index;
    const index = new Map<number, Map<number, number>>();
    this.index = index;
    this.changed.clear();
    this.deadEntries = 0;
    for (let entry = 0; entry < this.numbers.values[COUNT]; entry++) {
      const at = entry * this.stride;
      const window = this.entries.values[at + WINDOW];
      if (window < this.numbers.values[CLOSED]) {
        this.deadEntries += 1;
        continue;
      }
      const byKey = index.get(window) ?? new Map<number, number>();
      index.set(window, byKey);
      byKey.set(this.entries.values[at + KEY], at);
      if (this.entries.values[at + CHANGED] === 1) this.changed.add(window);
    }
    return index;
  }
}
