import { jsonBlob, StateSection } from "../../../schema/index.ts";
import { PaneBlockKind, PaneBlockReader } from "../../operators/pane-block.ts";
import { SummedWindows } from "../../operators/summed-windows.ts";
import type { Combiner, CombinerDeps } from "../detector.ts";
import { HeldBookings } from "./held-bookings.ts";
import { PANE_MS, REVENUE, type RevenueConfig, revenueSources, WIDTH } from "./revenue-by-category.ts";
import { splitRevenueKey } from "./revenue-key.ts";
import { goldRevenueByCategory } from "./revenue-table.ts";

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
  /** Gross. */
  readonly revenueMinor: number;
  readonly units: number;
  readonly purchases: number;
  readonly refundedMinor: number;
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
    refundedMinor: rows.float64("refunded_minor"),
    netMinor: rows.float64("net_minor"),
    bookings: rows.int32("bookings"),
  };
  const newest = state.float64("newest-window");
  newest.ensure(1);
  newest.values[0] = Number.NEGATIVE_INFINITY;
  newest.mark(0);
  let hot: CategoryRevenueRecord | null = null;

  const windows = new SummedWindows(state, {
    sources: sourceTasks.flatMap(revenueSources),
    width: WIDTH,
    paneMs: PANE_MS,
    windowMs: config.revenueWindowMs,
    allowedLatenessMs: time.allowedLatenessMs,
    report({ start, end }, key, [revenueMinor, units, purchases, refundedMinor, bookings], revision) {
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
      out.refundedMinor.values[row] = refundedMinor;
      out.netMinor.values[row] = revenueMinor - refundedMinor;
      out.bookings.values[row] = bookings;
    },
    reported({ start }) {
      const last = Math.max(start, newest.values[0]);
      // A booking may have left the newest window for another: whether it ever was there is chance.
      const sold = windows.windowStarts().findLast((each) => each <= last && itemsOf(each).length > 0);
      if (sold === undefined || (sold === newest.values[0] && start !== sold)) return;
      newest.values[0] = sold;
      newest.mark(0);
      markHot();
    },
  });
  const held = new HeldBookings(windows, config.revenueWindowMs);
  state.blob = jsonBlob(
    () => held.save(),
    (saved) => held.restore(saved),
  );
  const reader = new PaneBlockReader();

  /** Of a window that has closed meanwhile nothing is kept. */
  function markHot(): void {
    const windowStart = newest.values[0];
    const items = itemsOf(windowStart);
    if (items.length > 0) hot = { windowStart, windowEnd: windowStart + config.revenueWindowMs, items };
  }

  function itemsOf(start: number): CategoryRevenue[] {
    const items: CategoryRevenue[] = [];
    windows.each(start, (key, [revenueMinor, units, purchases, refundedMinor, bookings]) => {
      if (bookings === 0) return;
      const names = splitRevenueKey(windows.keys.bytesOf(key));
      items.push({ ...names, revenueMinor, units, purchases, refundedMinor });
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
    fold(bytes, start) {
      reader.openBlock(bytes, start);
      if (reader.u8() === PaneBlockKind.replacement) held.fold(reader);
      else windows.fold(bytes, start);
    },
    afterRestore: () => windows.afterRestore(),
    markHot,
    flushHot(outputs) {
      if (hot !== null) outputs.namespace(CATEGORY_REVENUE, hotTtlMs).put("latest", JSON.stringify(hot));
      hot = null;
    },
  };
}
