import { type CustomerEventBatch, RowFlag, StateSection } from "../../../schema/index.ts";
import { EventKind, eventKindTable } from "../../operators/event-kinds.ts";
import { revenueOf } from "../../operators/sessionize.ts";
import { SummedWindows } from "../../operators/summed-windows.ts";
import { sourceName, WindowSums } from "../../operators/window-sums.ts";
import type { Combiner, CombinerDeps, Detector, DetectorDeps } from "../detector.ts";
import { revenueKey, splitRevenueKey } from "./revenue-key.ts";
import { goldRevenueByCategory } from "./revenue-table.ts";

export interface RevenueConfig {
  readonly revenueWindowMs: number;
}

export const REVENUE = "revenue";
/** Hot namespace; key `latest` → {@link CategoryRevenueRecord}. */
export const CATEGORY_REVENUE = "category-revenue";

/** The newest window that had revenue. */
export interface CategoryRevenueRecord {
  readonly windowStart: number;
  readonly windowEnd: number;
  /** By falling revenue. */
  readonly items: readonly CategoryRevenue[];
}

export interface CategoryRevenue {
  readonly categoryId: string;
  readonly currency: string;
  readonly revenueMinor: number;
  readonly units: number;
  readonly purchases: number;
}

const TOPIC = "customer-events";
const PANE_MS = 60_000;
/** Revenue, units, purchases. */
const WIDTH = 3;
const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const UNKNOWN = new TextEncoder().encode("unknown");
const NO_CURRENCY = new TextEncoder().encode("XXX");

/** First stage: revenue of purchase events by category and currency. */
export function createRevenue(deps: DetectorDeps): Detector {
  const { keys, products, time, taskId } = deps;
  const state = new StateSection(REVENUE);
  const source = sourceName(taskId, TOPIC);
  const sums = new WindowSums(state, {
    channel: REVENUE,
    source,
    width: WIDTH,
    paneMs: PANE_MS,
    time,
    send: (bytes, sequence) => deps.sendBlock(source, bytes, sequence),
  });
  const amounts = new Float64Array(WIDTH);

  function categoryOf(batch: CustomerEventBatch, row: number): number {
    const own = batch.categoryId.ids[row];
    if (own >= 0) return own;
    const version = products.versionAt(batch.productId.ids[row], batch.eventTime.values[row]);
    return version < 0 ? -1 : products.categoryOf(version);
  }

  function add(batch: CustomerEventBatch, row: number): void {
    const category = categoryOf(batch, row);
    const { currency, quantity } = batch;
    const dictionary = keys.categoryId;
    const key = revenueKey(
      category < 0
        ? { bytes: UNKNOWN, start: 0, end: UNKNOWN.length }
        : { bytes: dictionary.heap, start: dictionary.start(category), end: dictionary.ends[category] },
      currency.start[row] < 0
        ? { bytes: NO_CURRENCY, start: 0, end: NO_CURRENCY.length }
        : { bytes: currency.bytes, start: currency.start[row], end: currency.end[row] },
    );
    amounts[0] = revenueOf(batch, row);
    amounts[1] = quantity.valid !== null && quantity.valid[row] === 0 ? 1 : quantity.values[row];
    amounts[2] = 1;
    sums.add(batch.eventTime.values[row], key.bytes, 0, key.length, amounts);
  }

  return {
    steps: {
      [TOPIC]: {
        name: REVENUE,
        state,
        process(batch, from, to) {
          const kinds = eventKindTable(batch.eventType);
          const { codes } = batch.eventType;
          for (let row = from; row < to; row++) {
            if (kinds[codes[row]] !== EventKind.purchase || (batch.flags[row] & SKIPPED) !== 0) continue;
            add(batch, row);
          }
        },
        advance: (progress) => sums.advance(progress),
      },
    },
    advanceTask: (taskTimeMs) => sums.advanceTask(taskTimeMs),
    markIdle: () => sums.markIdle(),
  };
}

/** Second stage: rows by category, currency and window, and the newest window for the hot store. */
export function combineRevenue(config: RevenueConfig, deps: CombinerDeps): Combiner {
  const { outputs, sourceTasks, time, hotTtlMs } = deps;
  const state = new StateSection(REVENUE);
  const rows = outputs.openRows(goldRevenueByCategory);
  const out = {
    start: rows.float64("window_start"),
    end: rows.float64("window_end"),
    category: rows.text("category_id"),
    currency: rows.text("currency"),
    revenueMinor: rows.float64("revenue_minor"),
    units: rows.float64("units"),
    purchases: rows.int32("purchases"),
    revision: rows.int32("revision"),
  };
  const newest = state.float64("newest-window");
  newest.ensure(1);
  newest.values[0] = Number.NEGATIVE_INFINITY;
  newest.mark(0);
  let hot: CategoryRevenueRecord | null = null;

  const windows = new SummedWindows(state, {
    sources: sourceTasks.map((task) => sourceName(task, TOPIC)),
    width: WIDTH,
    paneMs: PANE_MS,
    windowMs: config.revenueWindowMs,
    allowedLatenessMs: time.allowedLatenessMs,
    report({ start, end }, key, [revenueMinor, units, purchases], revision) {
      const names = splitRevenueKey(windows.keys.bytesOf(key));
      const row = rows.next();
      out.start.values[row] = start;
      out.end.values[row] = end;
      rows.setText(out.category, row, names.categoryId);
      rows.setText(out.currency, row, names.currency);
      out.revenueMinor.values[row] = revenueMinor;
      out.units.values[row] = units;
      out.purchases.values[row] = purchases;
      out.revision.values[row] = revision;
    },
    reported({ start, end }) {
      if (start < newest.values[0]) return;
      newest.values[0] = start;
      newest.mark(0);
      hot = { windowStart: start, windowEnd: end, items: itemsOf(start) };
    },
  });

  function itemsOf(start: number): CategoryRevenue[] {
    const items: CategoryRevenue[] = [];
    windows.each(start, (key, [revenueMinor, units, purchases]) => {
      items.push({ ...splitRevenueKey(windows.keys.bytesOf(key)), revenueMinor, units, purchases });
    });
    return items.sort(
      (a, b) =>
        b.revenueMinor - a.revenueMinor ||
        (a.categoryId < b.categoryId ? -1 : a.categoryId > b.categoryId ? 1 : 0) ||
        (a.currency < b.currency ? -1 : 1),
    );
  }

  return {
    state,
    fold: (bytes, start) => windows.fold(bytes, start),
    afterRestore: () => windows.afterRestore(),
    flushHot(outputs) {
      if (hot !== null) outputs.namespace(CATEGORY_REVENUE, hotTtlMs).put("latest", JSON.stringify(hot));
      hot = null;
    },
  };
}
