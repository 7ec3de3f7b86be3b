import { expect, it } from "vitest";
import { SHOPPER_SESSION_FEATURES } from "../../features/index.ts";
import type { Dataset } from "../../plugin.ts";
import { aucByEvents } from "./auc-by-events.ts";

type Feature = (typeof SHOPPER_SESSION_FEATURES)[number];

function dataset(rows: readonly { counts: Partial<Record<Feature, number>>; label: number }[]): Dataset {
  const width = SHOPPER_SESSION_FEATURES.length;
  const vectors = new Float64Array(rows.length * width).fill(0.7);
  rows.forEach(({ counts }, row) => {
    SHOPPER_SESSION_FEATURES.slice(0, 8).forEach((name, j) => {
      vectors[row * width + j] = Math.log1p(counts[name] ?? 0);
    });
  });
  return {
    featureNames: SHOPPER_SESSION_FEATURES,
    vectors,
    labels: Float64Array.from(rows, ({ label }) => label),
    rows: rows.length,
    times: new Float64Array(rows.length),
    groups: Int32Array.from(rows.keys()),
  };
}

it("measures vectors of visits of like length against one another, whatever the events were", () => {
  const rows = [
    { counts: { page_views: 1 }, label: 0 },
    { counts: { item_views: 1 }, label: 1 },
    { counts: { page_views: 1, cart_adds: 1 }, label: 1 },
    { counts: { searches: 2, item_views: 2, clicks: 1 }, label: 0 },
    { counts: { item_views: 3 }, label: 1 },
    { counts: { item_views: 12 }, label: 0 },
    { counts: { item_views: 9, checkouts: 1, purchases: 1 }, label: 1 },
  ];
  // After one event and after eleven the order is right, after three to five it is not; after two all bought.
  const scores = Float64Array.of(0.2, 0.4, 0.9, 0.8, 0.1, 0.3, 0.7);
  expect(aucByEvents(dataset(rows), scores)).toEqual({
    aucAfter1Event: { model: 1, baseline: 0.5 },
    aucAfter3To5Events: { model: 0, baseline: 0.5 },
    aucAfter11EventsOrMore: { model: 1, baseline: 0.5 },
  });
});
