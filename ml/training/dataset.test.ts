import { describe, expect, it } from "vitest";
import type { EventBatch } from "../../schema/index.ts";
import type { ShopperEvent } from "../features/shopper-batch.fixture.ts";
import { SESSION_GAP_MS } from "../features/shopper-event.ts";
import { propensity } from "../plugins/propensity/index.ts";
import { buildDataset } from "./dataset.ts";
import { batches, shopperEvents } from "./shopper-events.fixture.ts";
import { splitByTime } from "./split.ts";

const NOON = Date.UTC(2026, 0, 5, 12);

/** What the label of each event must be, from its definition: null where the visit is still open. */
function expectedLabels(events: readonly ShopperEvent[]): (number | null)[] {
  const end = Math.max(...events.map((event) => event.time));
  return events.map((event, index) => {
    let last = event.time;
    for (const later of events.slice(index + 1)) {
      if (later.user !== event.user) continue;
      if (later.time - last > SESSION_GAP_MS) return finish();
      last = later.time;
      if (later.type === "purchase" && !openAfter(index)) return 1;
    }
    return finish();

    function finish(): number | null {
      return openAfter(index) ? null : 0;
    }
  });

  function openAfter(index: number): boolean {
    let last = events[index].time;
    for (const later of events.slice(index + 1)) {
      if (later.user !== events[index].user) continue;
      if (later.time - last > SESSION_GAP_MS) return false;
      last = later.time;
    }
    return last + SESSION_GAP_MS >= end;
  }
}

describe("buildDataset", () => {
  it("labels each vector by what follows in its visit, and leaves open visits out", async () => {
    const events = shopperEvents(1500, 3);
    const { dataset, rowsUnknown } = await buildDataset(propensity, batches(events, 100), {
      seed: 1,
      sessionRows: 1e9,
    });
    const expected = expectedLabels(events);
    const known = events.flatMap((event, i) => (expected[i] === null ? [] : [[event.time, expected[i]]]));
    const actual = Array.from({ length: dataset.rows }, (_, row) => [
      dataset.times[row],
      dataset.labels[row],
    ]);
    expect(actual).toEqual(known);
    expect(rowsUnknown).toBe(events.length - known.length);
    expect(rowsUnknown).toBeGreaterThan(0);
  });

  it("takes the lines of an order for one purchase: what is bought with it is not bought later", async () => {
    const MINUTE = 60_000;
    const event = (minute: number, type: ShopperEvent["type"], order?: string): ShopperEvent => ({
      type,
      time: NOON + minute * MINUTE,
      user: "u",
      ...(order !== undefined && { order }),
    });
    const labelsOf = async (visit: readonly ShopperEvent[]): Promise<number[]> => {
      const end = { type: "page_view", time: NOON + 600 * MINUTE, user: "other" } as const;
      const { dataset } = await buildDataset(propensity, batches([...visit, end], 100), { seed: 1 });
      return [...dataset.labels];
    };
    const lines = [
      event(0, "cart_add"),
      event(1, "purchase", "a"),
      event(1, "purchase", "a"),
      event(2, "page_view"),
    ];
    expect(await labelsOf([...lines, event(3, "purchase", "a")])).toEqual([1, 0, 0, 0, 0]);
    expect(await labelsOf([...lines, event(3, "purchase", "b"), event(3, "purchase", "b")])).toEqual([
      1, 1, 1, 1, 0, 0,
    ]);
    // Of purchases without an order nothing is known to belong together.
    expect(await labelsOf([event(0, "purchase"), event(1, "purchase"), event(2, "page_view")])).toEqual([
      1, 0, 0,
    ]);
    // Another visit is another purchase, whatever its order is called.
    expect(await labelsOf([...lines, event(60, "page_view"), event(61, "purchase", "a")])).toEqual([
      1, 0, 0, 0, 1, 0,
    ]);
  });

  it("counts open visits as unknown also where most are, and says that it takes them as ended", async () => {
    const visits = shopperEvents(200, 3).slice(0, 150);
    const all = await buildDataset(propensity, batches(visits, 100), { seed: 1, openSessions: "auto" });
    const strict = await buildDataset(propensity, batches(visits, 100), { seed: 1 });
    expect(strict.openSessions).toBe("left-out");
    expect(strict.rowsUnknown).toBeGreaterThan(75);
    expect(all).toMatchObject({ openSessions: "taken-as-ended", rowsUnknown: strict.rowsUnknown });
    expect(all.dataset.rows).toBe(150);
  });

  it("keeps right labels in a bounded sample, the same for the same seed and any cut", async () => {
    const events = shopperEvents(6000, 4);
    const options = { seed: 5, rowsMax: 400, sessionRows: 20 };
    const first = await buildDataset(propensity, batches(events, 6000), options);
    const again = await buildDataset(propensity, batches(events, 37), options);
    expect(again).toEqual(first);
    expect(first.dataset.rows + first.rowsUnknown).toBe(400);
    const whole = await buildDataset(propensity, batches(events, 500), { seed: 5, sessionRows: 1e9 });
    const labelAt = new Map(
      Array.from({ length: whole.dataset.rows }, (_, row) => [
        `${whole.dataset.times[row]}/${whole.dataset.groups[row]}`,
        whole.dataset.labels[row],
      ]),
    );
    for (let row = 0; row < first.dataset.rows; row++) {
      const { times, groups, labels } = first.dataset;
      expect(labels[row]).toBe(labelAt.get(`${times[row]}/${groups[row]}`));
    }
  });

  it("skips duplicates as the stream does, and keeps partitions apart", async () => {
    const events = shopperEvents(800, 6);
    const doubled = events.flatMap((event) => [event, event]);
    const repeats = new Set(doubled.map((_, index) => index).filter((index) => index % 2 === 1));
    const clean = await buildDataset(propensity, batches(events, 100), { seed: 1 });
    const skipped = await buildDataset(propensity, batches(doubled, 100, 0, repeats), { seed: 1 });
    expect(skipped).toEqual(clean);

    async function* two(): AsyncGenerator<EventBatch> {
      yield* batches(events, 100, 0);
      yield* batches(events, 100, 1);
    }
    const both = await buildDataset(propensity, two(), { seed: 1 });
    expect(both.dataset.rows).toBe(2 * clean.dataset.rows);
    expect(new Set(both.dataset.groups).size).toBe(2 * new Set(clean.dataset.groups).size);
  });
});

describe("splitByTime", () => {
  it("puts no visit on both sides, and no label into training that was not known at the cut", async () => {
    const events = shopperEvents(20_000, 8);
    const { dataset } = await buildDataset(propensity, batches(events, 1000), { seed: 1 });
    const { train, validation, cutMs } = splitByTime(dataset, { trainShare: 0.8, embargoMs: SESSION_GAP_MS });
    const trained = new Set(train.groups);
    expect([...validation.groups].some((group) => trained.has(group))).toBe(false);
    expect(Math.max(...train.times)).toBeLessThan(cutMs - SESSION_GAP_MS);
    expect(Math.min(...validation.times)).toBeGreaterThanOrEqual(cutMs);
    expect(train.rows).toBeGreaterThan(0.6 * dataset.rows);
    expect(validation.rows).toBeGreaterThan(0.05 * dataset.rows);
  });
});
