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
   * A window's sums under a key, when the lowest watermark has passed its end (revision 1) and whenever
   * they have changed since (the next one). `sums` is valid during the call.
   */
  readonly report: (window: SummedWindow, key: number, sums: Float64Array, revision: number) => void;
  /** All keys of a window were reported or corrected. */
  readonly reported?: (window: SummedWindow, isCorrection: boolean) => void;
}

/** How far an idle source may be behind the others and still correct their windows, ms of event time. */
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

  constructor(section: StateSection, options: SummedWindowsOptions) {
    this.options = options;
    this.stride = HEAD + options.width;
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
    this.advance();
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
    const key = this.keys.intern(reader.bytes, reader.textStart, reader.textEnd);
    const at = this.entryOf(window, key);
    const { values } = this.entries;
    values[at + CHANGED] = 1;
    for (let i = 0; i < width; i++) values[at + HEAD + i] += reader.f64();
    this.entries.markRange(at, at + this.stride);
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
    this.entries.ensure(at + this.stride);
    this.entries.values.fill(0, at, at + this.stride);
    this.entries.values[at + WINDOW] = window;
    this.entries.values[at + KEY] = key;
    byKey.set(key, at);
    return at;
  }

  /** Corrections and new windows, whenever the lowest watermark has come to another boundary of a pane. */
  private advance(): void {
    const { paneMs, windowMs, allowedLatenessMs } = this.options;
    const { values } = this.numbers;
    const watermarkMs = this.sources.watermarkMs();
    const due = Math.floor(watermarkMs / paneMs) * paneMs;
    // Behind the end of the inputs no boundary comes any more that what a source adds could wait for.
    if (due === values[LAST_DUE] && due !== Number.POSITIVE_INFINITY) return;
    values[LAST_DUE] = due;
    const evaluatedBefore = values[EVALUATED];
    for (const start of this.windowStarts()) {
      const end = start + windowMs;
      if (end > due) break;
      this.reportWindow({ start, end }, end <= evaluatedBefore);
      values[EVALUATED] = Math.max(values[EVALUATED], end);
    }
    if (Number.isFinite(due)) {
      values[EVALUATED] = Math.max(values[EVALUATED], Math.floor(due / windowMs) * windowMs);
      // An idle source that goes on brings what lies between: its windows were reported, and are corrected.
      const open = Math.min(watermarkMs, this.sources.slowestMs(watermarkMs - IDLE_MS_MAX));
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
    this.numbers.values[CLOSED] = window;
    if (![...this.windows().keys()].some((start) => start < window)) return;
    const { entries, stride, numbers } = this;
    let kept = 0;
    for (let entry = 0; entry < numbers.values[COUNT]; entry++) {
      const at = entry * stride;
      if (entries.values[at + WINDOW] < window) continue;
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
    for (let entry = 0; entry < this.numbers.values[COUNT]; entry++) {
      const at = entry * this.stride;
      const window = this.entries.values[at + WINDOW];
      const byKey = index.get(window) ?? new Map<number, number>();
      index.set(window, byKey);
      byKey.set(this.entries.values[at + KEY], at);
    }
    return index;
  }
}
