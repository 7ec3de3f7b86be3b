import {
  goldFlashSaleAlerts,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  type KeyDictionary,
} from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";
import type { PopularProductsRecord } from "../sinks/hot-records.ts";
import type { OwnAlertKind } from "./own-alert-kinds.ts";
import { roundedScore } from "./product-categories.ts";
import type { WindowTotals } from "./window-totals.ts";

export interface Window {
  readonly start: number;
  readonly end: number;
}

export interface FlashFinding {
  readonly product: number;
  readonly window: Window;
  readonly views: number;
  readonly purchases: number;
  readonly status: "raised" | "retracted";
  readonly revision: number;
}

/** The gold rows of the second stage: one method a table. */
export function createInsightRows(
  outputs: OperatorOutputs,
  dictionaries: { readonly productId: KeyDictionary },
) {
  const ids = { product_id: dictionaries.productId };
  const activityRows = outputs.openRows(goldProductActivity, ids);
  const activity = {
    start: activityRows.float64("window_start"),
    end: activityRows.float64("window_end"),
    product: activityRows.key("product_id"),
    views: activityRows.int32("views"),
    cartAdds: activityRows.int32("cart_adds"),
    purchases: activityRows.int32("purchases"),
    revision: activityRows.int32("revision"),
  };
  const popularRows = outputs.openRows(goldPopularProducts, ids);
  const popular = {
    start: popularRows.float64("window_start"),
    end: popularRows.float64("window_end"),
    rank: popularRows.int32("rank"),
    product: popularRows.key("product_id"),
    score: popularRows.float64("score"),
    views: popularRows.int32("views"),
    cartAdds: popularRows.int32("cart_adds"),
    purchases: popularRows.int32("purchases"),
    revision: popularRows.int32("revision"),
  };
  const categoryRows = outputs.openRows(goldPopularByCategory, ids);
  const ofCategory = {
    start: categoryRows.float64("window_start"),
    end: categoryRows.float64("window_end"),
    category: categoryRows.text("category_id"),
    rank: categoryRows.int32("rank"),
    product: categoryRows.key("product_id"),
    score: categoryRows.float64("score"),
    views: categoryRows.int32("views"),
    cartAdds: categoryRows.int32("cart_adds"),
    purchases: categoryRows.int32("purchases"),
    revision: categoryRows.int32("revision"),
  };
  const flashRows = outputs.openRows(goldFlashSaleAlerts, ids);
  const flash = {
    alertId: flashRows.text("alert_id"),
    start: flashRows.float64("window_start"),
    end: flashRows.float64("window_end"),
    product: flashRows.key("product_id"),
    views: flashRows.int32("views"),
    purchases: flashRows.int32("purchases"),
    status: flashRows.text("status"),
    revision: flashRows.int32("revision"),
  };

  function writeActivity(window: Window, totals: WindowTotals, product: number, revision: number): void {
    const row = activityRows.next();
    activity.start.values[row] = window.start;
    activity.end.values[row] = window.end;
    activity.product.ids[row] = product;
    activity.views.values[row] = totals.views(product);
    activity.cartAdds.values[row] = totals.cartAdds(product);
    activity.purchases.values[row] = totals.purchases(product);
    activity.revision.values[row] = revision;
  }

  function writePopular(
    window: Window,
    totals: WindowTotals,
    ranked: readonly number[],
    revision: number,
  ): void {
    for (const [i, product] of ranked.entries()) {
      const row = popularRows.next();
      popular.start.values[row] = window.start;
      popular.end.values[row] = window.end;
      popular.rank.values[row] = i + 1;
      popular.product.ids[row] = product;
      popular.score.values[row] = totals.score(product);
      popular.views.values[row] = totals.views(product);
      popular.cartAdds.values[row] = totals.cartAdds(product);
      popular.purchases.values[row] = totals.purchases(product);
      popular.revision.values[row] = revision;
    }
  }

  /** As {@link writePopular}, of the products of a category; scores are rounded to thousandths. */
  function writePopularOfCategory(
    category: string,
    window: Window,
    totals: WindowTotals,
    ranked: readonly number[],
    revision: number,
  ): void {
    for (const [i, product] of ranked.entries()) {
      const row = categoryRows.next();
      ofCategory.start.values[row] = window.start;
      ofCategory.end.values[row] = window.end;
      categoryRows.setText(ofCategory.category, row, category);
      ofCategory.rank.values[row] = i + 1;
      ofCategory.product.ids[row] = product;
      ofCategory.score.values[row] = roundedScore(totals, product);
      ofCategory.views.values[row] = totals.views(product);
      ofCategory.cartAdds.values[row] = totals.cartAdds(product);
      ofCategory.purchases.values[row] = totals.purchases(product);
      ofCategory.revision.values[row] = revision;
    }
  }

  /** The hot record of a ranking; `scoreOf` as the rows have it. */
  function popularRecord(
    window: Window,
    totals: WindowTotals,
    ranked: readonly number[],
    scoreOf: (product: number) => number,
  ): PopularProductsRecord {
    const items = ranked.map((product, i) => ({
      rank: i + 1,
      productId: dictionaries.productId.text(product),
      score: scoreOf(product),
      views: totals.views(product),
      cartAdds: totals.cartAdds(product),
      purchases: totals.purchases(product),
    }));
    return { windowStart: window.start, windowEnd: window.end, items };
  }

  /** Writes the row and, where `alerting`, emits the live alert under the same id and revision. */
  function writeFlash(finding: FlashFinding, alerting: boolean): void {
    const { product, window, views, purchases, status, revision } = finding;
    const productId = dictionaries.productId.text(product);
    const id = `flash-sale:${productId}:${window.start}`;
    const row = flashRows.next();
    flashRows.setText(flash.alertId, row, id);
    flash.start.values[row] = window.start;
    flash.end.values[row] = window.end;
    flash.product.ids[row] = product;
    flash.views.values[row] = views;
    flash.purchases.values[row] = purchases;
    flashRows.setText(flash.status, row, status);
    flash.revision.values[row] = revision;
    if (!alerting) return;
    const minutes = (window.end - window.start) / 60_000;
    outputs.emitAlert({
      id,
      revision,
      status,
      kind: "flash-sale" satisfies OwnAlertKind,
      severity: "medium",
      title: `Product ${productId}: ${views} views and ${purchases} purchases in ${minutes} minutes`,
      userId: null,
      productId,
      orderId: null,
      eventTime: window.end,
      windowStart: window.start,
      windowEnd: window.end,
      figures: { views, purchases },
    });
  }

  return { writeActivity, writePopular, writePopularOfCategory, popularRecord, writeFlash };
}
