import { KeyDictionary, StateSection } from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";
import type { HotOutputs } from "../sinks/hot-batch-writer.ts";
import { HotNamespace, type PopularProductsRecord } from "../sinks/hot-records.ts";
import { createInsightRows, type Window } from "./insight-rows.ts";
import { copyBlock, PaneBlockKind, PaneBlockReader } from "./pane-block.ts";
import { ENTRY_NUMBERS, PaneStore } from "./pane-store.ts";
import { ProductCategories, roundedScore } from "./product-categories.ts";
import { PutOff } from "./put-off.ts";
import { RevisionTable } from "./revision-table.ts";
import { SourceWatermarks } from "./source-watermarks.ts";
import { type PaneRange, type ScoreWeights, WindowTotals } from "./window-totals.ts";

export interface ProductInsightsConfig {
  /** Size of the first stage's panes and advance of every window here, ms. */
  readonly paneMs: number;
  /** How long windows stay open for corrections: the first stage's allowed lateness, ms. */
  readonly allowedLatenessMs: number;
  readonly flashSale: {
    readonly windowMs: number;
    /** More views than this … */
    readonly viewsOver: number;
    /** … and fewer purchases than this. */
    readonly purchasesUnder: number;
  };
  readonly popular: {
    readonly windowMs: number;
    readonly halfLifeMs: number;
    readonly top: number;
    /** The rankings of categories are reported for windows that end at multiples of this, ms. */
    readonly byCategoryEveryMs: number;
    readonly weights: ScoreWeights;
  };
  readonly hotTtlMs: number;
}

export const defaultProductInsightsConfig: ProductInsightsConfig = {
  paneMs: 60_000,
  allowedLatenessMs: 60_000,
  flashSale: { windowMs: 600_000, viewsOver: 100, purchasesUnder: 5 },
  popular: {
    windowMs: 3_600_000,
    halfLifeMs: 900_000,
    top: 100,
    byCategoryEveryMs: 600_000,
    weights: { view: 1, cartAdd: 5, purchase: 20 },
  },
  hotTtlMs: 86_400_000,
};

export interface ProductInsightsDeps {
  /** Tasks whose panes are added up. */
  readonly sourceTasks: readonly string[];
  readonly outputs: OperatorOutputs;
}

export interface ProductInsights {
  readonly name: string;
  readonly state: StateSection;
  /** Takes a copy of one pane block, `bytes[start, end)`, to add it; repeats of a task's sequence change nothing. */
  fold(bytes: Uint8Array, start: number, end: number): void;
  /** Adds and emits about so many of the products and rows that were put off; whether there are more. */
  emitSome(rowsMax: number): boolean;
  afterRestore(): void;
  flushHot(hot: HotOutputs): void;
  /** Marks all hot values for another write, as far as the state still holds what they say. */
  markHot(): void;
  /** Lowest watermark over the source tasks, at the end of all inputs the end of the last window; null before all were heard of. */
  watermarkMs(): number | null;
  /** Blocks dropped as repeats or unreadable, and increments of panes that had closed. */
  dropped(): { readonly blocks: number; readonly increments: number };
}

/**
 * The boundaries from `first` to `last`, ascending, that end a window of so many panes with one of `panes` in it.
 * Between two panes may lie years: an event that claims to be of 1970, or history in front of live events.
 */
export function* boundariesBehindPanes(
  panes: Iterable<number>,
  { first, last, panesMax }: { readonly first: number; readonly last: number; readonly panesMax: number },
): Generator<number> {
  let next = first;
  for (const pane of [...panes].sort((a, b) => a - b)) {
    next = Math.max(next, pane + 1);
    for (; next <= Math.min(last, pane + panesMax); next++) yield next;
  }
}

/** How far an idle task may be behind the others and still correct their windows, ms of event time. */
const IDLE_MS_MAX = 86_400_000;
/** Notes of a flash-sale finding. */
const RAISED = 1;
const ALERTED = 2;
const EVALUATED = 0;
const LAST_DUE = 1;
const CLOSED_PANE = 2;
const DROPPED_BLOCKS = 3;
const DROPPED_INCREMENTS = 4;
/** Products of a step of a block or a report. */
const STEP_PRODUCTS = 64;
/** Blocks that wait to be added: one of each task, in a minute that closes. More come in a backlog only. */
const BLOCKS_MAX = 8;

/**
 * Second stage: adds up the panes of all tasks and, at every pane boundary that the lowest watermark
 * passes, reports product activity (tumbling), flash-sale candidates and popular products
 * (hopping). Increments that come for a reported window are collected and corrected together at the
 * next boundary. Blocks are added in steps, and after each what it makes due is emitted in steps. A flash-sale
 * candidate has a gold row per window in which it holds; the live alert goes out for the first window of
 * a run only, and is retracted if late data takes it away.
 */
export function createProductInsights(
  config: ProductInsightsConfig,
  deps: ProductInsightsDeps,
): ProductInsights {
  const { paneMs, flashSale, popular } = config;
  const state = new StateSection("product-insights");
  const productIds = state.dictionary(new KeyDictionary("product"));
  const sources = new SourceWatermarks(state, deps.sourceTasks);
  const activity = new PaneStore(state, "activity", state.int32("activity"));
  const activityRevisions = new RevisionTable(state, "activity-corrections");
  const popularRevisions = new RevisionTable(state, "popular-corrections");
  const flashFindings = new RevisionTable(state, "flash-findings");
  const numbers = state.float64("numbers");
  numbers.ensure(5);
  for (const at of [EVALUATED, LAST_DUE, CLOSED_PANE]) {
    numbers.values[at] = Number.NEGATIVE_INFINITY;
  }
  numbers.mark(0);
  const rows = createInsightRows(deps.outputs, { productId: productIds });
  const totals = new WindowTotals(popular.weights);
  const categories = new ProductCategories(state, productIds);
  const reader = new PaneBlockReader();

  const flashPanes = flashSale.windowMs / paneMs;
  const popularPanes = popular.windowMs / paneMs;
  const panesMax = Math.max(1, flashPanes, popularPanes);
  const noDecay = new Float64Array(panesMax).fill(1);
  const decay = Float64Array.from(
    { length: panesMax },
    (_, age) => 0.5 ** ((age * paneMs) / popular.halfLifeMs),
  );
  /** Blocks that are to be added, with what each makes due. */
  const blocks = new PutOff();
  let hotPopular: PopularProductsRecord | null = null;
  const hotByCategory = new Map<string, PopularProductsRecord>();

  /** The window of so many panes that ends at the boundary (a pane number: the first pane after it). */
  function windowAt(boundary: number, panes: number): Window {
    return { start: (boundary - panes) * paneMs, end: boundary * paneMs };
  }

  function newestPane(): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (const pane of activity.panes()) newest = Math.max(newest, pane);
    return newest;
  }

  function oldestPane(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const pane of activity.panes()) oldest = Math.min(oldest, pane);
    return oldest;
  }

  function panesOf(boundary: number, panes: number): PaneRange {
    return { first: boundary - panes, last: boundary - 1 };
  }

  function collect(boundary: number, panes: number, weights: Float64Array): void {
    totals.collect(activity, panesOf(boundary, panes), weights);
  }

  /** Visits the products that were collected, in steps. */
  function* eachProduct(visit: (product: number) => void): Generator<number, void> {
    for (let from = 0; from < totals.count; from += STEP_PRODUCTS) {
      const to = Math.min(totals.count, from + STEP_PRODUCTS);
      for (let i = from; i < to; i++) visit(totals.products[i]);
      yield to - from;
    }
  }

  function fold(bytes: Uint8Array, start: number, end: number): void {
    if (blocks.length === BLOCKS_MAX) blocks.finish();
    blocks.add(foldBlock(copyBlock(bytes, start, end)));
  }

  function* foldBlock(bytes: Uint8Array): Generator<number, void> {
    reader.openBlock(bytes, 0);
    const kind = reader.u8();
    const sequence = reader.f64();
    const watermarkMs = reader.f64();
    reader.text();
    const source = sources.source(bytes, reader.textStart, reader.textEnd);
    if (kind === PaneBlockKind.idle) sources.setIdle(source);
    else if (sources.accept(source, sequence, watermarkMs)) yield* foldPanes();
    else numbers.values[DROPPED_BLOCKS] += 1;
    numbers.mark(0);
    yield* advance();
  }

  function* foldPanes(): Generator<number, void> {
    for (let left = reader.u32(); left > 0; left--) {
      const pane = Math.floor(reader.f64() / paneMs);
      const closed = pane < numbers.values[CLOSED_PANE];
      const reported = (pane + 1) * paneMs <= numbers.values[EVALUATED];
      const knownProducts = reported && !closed ? keysOf(activity, pane) : null;
      for (let products = reader.u32(); products > 0; products -= STEP_PRODUCTS) {
        const step = Math.min(products, STEP_PRODUCTS);
        for (let i = 0; i < step; i++) foldProduct(pane, closed, knownProducts);
        yield step;
      }
      for (let changes = reader.u32(); changes > 0; changes--) categories.fold(reader);
    }
  }

  function foldProduct(pane: number, closed: boolean, known: Set<number> | null): void {
    reader.text();
    const product = productIds.intern(reader.bytes, reader.textStart, reader.textEnd);
    const views = reader.u32();
    const cartAdds = reader.u32();
    const purchases = reader.u32();
    if (closed) {
      numbers.values[DROPPED_INCREMENTS] += 1;
      return;
    }
    if (known !== null) activityRevisions.touch(product, pane, known.has(product));
    activity.add(pane, product, views, cartAdds, purchases);
  }

  function keysOf(store: PaneStore<Int32Array>, pane: number): Set<number> {
    const keys = new Set<number>();
    store.eachRun(pane, (values, from, to) => {
      for (let at = from; at < to; at += ENTRY_NUMBERS) keys.add(values[at]);
    });
    return keys;
  }

  /** Reports corrections and new windows, whenever the lowest watermark has come to another boundary, or no task is active. */
  function* advance(): Generator<number, void> {
    const watermarkMs = sources.watermarkMs();
    const due = Math.floor(watermarkMs / paneMs) * paneMs;
    if (due === numbers.values[LAST_DUE] && sources.mayWait(watermarkMs)) return;
    numbers.values[LAST_DUE] = due;
    numbers.mark(0);
    correct();
    const newest = newestPane();
    const first = Math.max(numbers.values[EVALUATED] / paneMs + 1, oldestPane() + 1);
    const last = Math.min(due / paneMs, newest + panesMax);
    for (const boundary of boundariesBehindPanes(activity.panes(), { first, last, panesMax })) {
      yield* report(boundary, newest);
      numbers.values[EVALUATED] = boundary * paneMs;
    }
    if (Number.isFinite(due)) {
      numbers.values[EVALUATED] = Math.max(numbers.values[EVALUATED], due);
      // An idle task that goes on brings what lies between: its windows were reported, and are corrected.
      drop(Math.min(watermarkMs, sources.slowestMs(watermarkMs - IDLE_MS_MAX)) - config.allowedLatenessMs);
    }
    numbers.mark(0);
  }

  function* report(boundary: number, newest: number): Generator<number, void> {
    collect(boundary, 1, noDecay);
    const pane = windowAt(boundary, 1);
    yield* eachProduct((product) => rows.writeActivity(pane, totals, product, 1));
    yield* totals.collecting(activity, panesOf(boundary, flashPanes), noDecay);
    yield* eachProduct((product) => judgeFlash(boundary, product, false));
    yield* totals.collecting(activity, panesOf(boundary, popularPanes), decay);
    reportPopular(boundary, 1, boundary <= newest + 1);
  }

  /** Of the totals that were collected. */
  function reportPopular(boundary: number, revision: number, isNewest: boolean): void {
    if (totals.count === 0) return;
    const ranked = totals.top(popular.top, productIds);
    const window = windowAt(boundary, popularPanes);
    rows.writePopular(window, totals, ranked, revision);
    if (isNewest) hotPopular = rows.popularRecord(window, totals, ranked, scoreOf);
    if ((boundary * paneMs) % popular.byCategoryEveryMs === 0) reportCategories(boundary, revision, isNewest);
  }

  function reportCategories(boundary: number, revision: number, isNewest: boolean): void {
    const window = windowAt(boundary, popularPanes);
    for (const [category, ranked] of categories.rank(totals, window.end, popular.top)) {
      rows.writePopularOfCategory(category, window, totals, ranked, revision);
      if (isNewest) setHotOfCategory(category, window, ranked);
    }
  }

  const scoreOf = (product: number): number => totals.score(product);

  function setHotOfCategory(category: string, window: Window, ranked: readonly number[]): void {
    const score = (product: number): number => roundedScore(totals, product);
    hotByCategory.set(category, rows.popularRecord(window, totals, ranked, score));
  }

  /** The rankings of the newest windows that were reported, where their panes are still kept. */
  function markHot(): void {
    blocks.finish();
    const boundary = Math.min(numbers.values[EVALUATED] / paneMs, newestPane() + 1);
    if (!Number.isFinite(boundary)) return;
    if (collectKept(boundary)) {
      const ranked = totals.top(popular.top, productIds);
      hotPopular = rows.popularRecord(windowAt(boundary, popularPanes), totals, ranked, scoreOf);
    }
    const everyPanes = popular.byCategoryEveryMs / paneMs;
    const ofCategories = Math.floor(boundary / everyPanes) * everyPanes;
    if (!collectKept(ofCategories)) return;
    const window = windowAt(ofCategories, popularPanes);
    for (const [category, ranked] of categories.rank(totals, window.end, popular.top))
      setHotOfCategory(category, window, ranked);
  }

  function collectKept(boundary: number): boolean {
    if (boundary - popularPanes < numbers.values[CLOSED_PANE]) return false;
    collect(boundary, popularPanes, decay);
    return totals.count > 0;
  }

  /** Raises, corrects or retracts; `touched` says that figures of a reported window changed. */
  function judgeFlash(boundary: number, product: number, touched: boolean): void {
    const views = totals.views(product) ?? 0;
    const purchases = totals.purchases(product) ?? 0;
    const holds = views > flashSale.viewsOver && purchases < flashSale.purchasesUnder;
    const note = flashFindings.note(product, boundary);
    const held = (note & RAISED) !== 0;
    if (!holds && !held) return;
    if (holds && held && !touched) return;
    const starts = holds && !held && (flashFindings.note(product, boundary - 1) & RAISED) === 0;
    const alerting = starts || (note & ALERTED) !== 0;
    const nextNote = (holds ? RAISED : 0) | (alerting ? ALERTED : 0);
    const revision = flashFindings.bump(product, boundary, false, nextNote);
    const window = windowAt(boundary, flashPanes);
    const status = holds ? "raised" : "retracted";
    rows.writeFlash({ product, window, views, purchases, status, revision }, alerting);
  }

  /** Writes the next revision of everything that changed after it was reported. */
  function correct(): void {
    const changed = new Map<number, { product: number; revision: number }[]>();
    activityRevisions.takePending((product, pane, revision) => {
      const list = changed.get(pane) ?? [];
      list.push({ product, revision });
      changed.set(pane, list);
    });
    for (const [pane, list] of changed) {
      collect(pane + 1, 1, noDecay);
      for (const { product, revision } of list) {
        rows.writeActivity(windowAt(pane + 1, 1), totals, product, revision);
      }
    }
    correctHopping(changed);
  }

  function correctHopping(changed: ReadonlyMap<number, readonly { product: number }[]>): void {
    const evaluated = numbers.values[EVALUATED] / paneMs;
    const flash = new Map<number, Set<number>>();
    const popularBoundaries = new Set<number>();
    for (const [pane, list] of changed) {
      for (let b = pane + 1; b <= Math.min(evaluated, pane + flashPanes); b++) {
        const products = flash.get(b) ?? new Set<number>();
        for (const { product } of list) products.add(product);
        flash.set(b, products);
      }
      for (let b = pane + 1; b <= Math.min(evaluated, pane + popularPanes); b++) popularBoundaries.add(b);
    }
    for (const [boundary, products] of [...flash].sort(([a], [b]) => a - b)) {
      collect(boundary, flashPanes, noDecay);
      for (const product of products) judgeFlash(boundary, product, true);
    }
    const newest = newestPane();
    for (const boundary of [...popularBoundaries].sort((a, b) => a - b)) {
      collect(boundary, popularPanes, decay);
      reportPopular(
        boundary,
        popularRevisions.bump(0, boundary, true),
        boundary === Math.min(evaluated, newest + 1),
      );
    }
  }

  /** Drops panes of which every window has closed; the findings of one window more, to see runs. */
  function drop(closeMs: number): void {
    const closed = Math.floor(closeMs / paneMs);
    if (closed - panesMax + 1 <= numbers.values[CLOSED_PANE]) return;
    numbers.values[CLOSED_PANE] = closed - panesMax + 1;
    activity.dropBefore(closed - panesMax + 1);
    activityRevisions.dropBefore(closed - panesMax + 1);
    popularRevisions.dropBefore(closed);
    flashFindings.dropBefore(closed - 1);
  }

  function flushHot(hot: HotOutputs): void {
    const ttlMs = config.hotTtlMs;
    if (hotPopular !== null) {
      hot.namespace(HotNamespace.popularProducts, ttlMs).put("all", JSON.stringify(hotPopular));
    }
    hotPopular = null;
    for (const [category, record] of hotByCategory) {
      hot.namespace(HotNamespace.popularProducts, ttlMs).put(`category:${category}`, JSON.stringify(record));
    }
    hotByCategory.clear();
  }

  function afterRestore(): void {
    for (const table of [activityRevisions, popularRevisions, flashFindings]) table.afterRestore();
    activity.afterRestore();
  }

  return {
    name: "product-insights",
    state,
    fold,
    emitSome: (rowsMax) => blocks.some(rowsMax),
    afterRestore,
    flushHot,
    markHot,
    watermarkMs() {
      // At the end of all inputs the watermark is infinite: what was reported is known up to here.
      const lowest = sources.watermarkMs();
      const known = lowest === Number.POSITIVE_INFINITY ? numbers.values[EVALUATED] : lowest;
      return Number.isFinite(known) ? known : null;
    },
    dropped: () => ({
      blocks: numbers.values[DROPPED_BLOCKS],
      increments: numbers.values[DROPPED_INCREMENTS],
    }),
  };
}
