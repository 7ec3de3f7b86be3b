import { describe, expect, test } from "vitest";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  columnValue,
  customerEventContract,
  type ProductBatch,
  productContract,
  RowFlag,
  silverEvents,
} from "../../schema/index.ts";
import { createProductTable } from "./product-table.ts";
import { createSilverEvents } from "./silver-events.ts";
import { type OutputRow, seededRandom } from "./testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "./testing/make-batch.ts";

const PROGRESS = { watermarkMs: 0, closeMs: 0 };

function createRig() {
  const keys = createKeys();
  const products = createProductTable({ keys });
  const rows: OutputRow[] = [];
  const silver = createSilverEvents({ keys, products });

  function takeRows(batch: CustomerEventBatch): void {
    const { columns, count, selection } = silver.takeRows(batch);
    expect(columns).toHaveLength(silverEvents.columns.length);
    for (let i = 0; i < count; i++) {
      const row = selection === undefined ? i : selection[i];
      const values = silverEvents.columns.map(({ name }, column) => [
        name,
        columnValue(columns[column], row),
      ]);
      rows.push(Object.fromEntries(values));
    }
  }
  return {
    rows,
    products(updates: readonly PlainRow[]): void {
      products.fold(makeBatch<ProductBatch>(productContract, updates, { keys }));
    },
    feed(
      events: readonly Partial<CustomerEvent>[],
      flags: readonly number[] = [],
      cuts?: readonly number[],
    ): void {
      const batch = makeBatch<CustomerEventBatch>(customerEventContract, events as never, {
        keys,
        baseOffset: 100,
        partition: 5,
      });
      batch.flags.set(flags);
      const ends = [...(cuts ?? []), batch.length];
      let from = 0;
      for (const to of ends) {
        silver.process(batch, from, to, PROGRESS);
        from = to;
      }
      takeRows(batch);
    },
  };
}

let serial = 0;
function event(changes: Partial<CustomerEvent> = {}): Partial<CustomerEvent> {
  return { eventId: `e${serial++}`, eventType: "item_view", eventTime: 1000, userId: "u", ...changes };
}

describe("silver events", () => {
  test("carry every field of the event under its column, and its place in the log", () => {
    const rig = createRig();
    const full = event({
      sessionId: "s",
      productId: "p",
      categoryId: "c",
      categoryCode: "a.b",
      brand: "é brand",
      priceMinor: 1999,
      currency: "EUR",
      quantity: 2,
      orderId: "o",
      query: "q",
      pageUrl: "/p",
      referrer: "/r",
      device: "phone",
      country: "DE",
    });
    rig.feed([full]);
    expect(rig.rows).toEqual([
      {
        event_id: full.eventId,
        event_type: "item_view",
        event_time: 1000,
        user_id: "u",
        session_id: "s",
        product_id: "p",
        category_id: "c",
        category_code: "a.b",
        brand: "é brand",
        product_name: null,
        price_minor: 1999,
        currency: "EUR",
        quantity: 2,
        order_id: "o",
        query: "q",
        page_url: "/p",
        referrer: "/r",
        device: "phone",
        country: "DE",
        is_late: false,
        _partition: 5,
        _offset: 100,
        _ingested_at: 0,
      },
    ]);
  });

  test("leave duplicates out, and only these", () => {
    const rig = createRig();
    const { duplicate, late, tooLate } = RowFlag;
    rig.feed([event(), event(), event(), event(), event()], [0, duplicate, late, duplicate | late, tooLate]);
    expect(rig.rows.map(({ _offset, is_late }) => [_offset, is_late])).toEqual([
      [100, false],
      [102, true],
      [104, true],
    ]);
    rig.feed([event(), event()], [duplicate, duplicate]);
    expect(rig.rows).toHaveLength(3);
  });

  test("take a product's attributes as of the event's time where the event has none", () => {
    const rig = createRig();
    rig.products([
      {
        productId: "p",
        updateTime: 500,
        name: "old",
        brand: "old brand",
        categoryId: "c1",
        categoryCode: "x.1",
      },
      {
        productId: "p",
        updateTime: 2000,
        name: "new",
        brand: "new brand",
        categoryId: "c2",
        categoryCode: "x.2",
      },
      { productId: "bare", updateTime: 0 },
    ]);
    const enriched = (changes: Partial<CustomerEvent>) => {
      rig.feed([event(changes)]);
      const { product_name, brand, category_id, category_code } = rig.rows.at(-1) as OutputRow;
      return [product_name, brand, category_id, category_code];
    };
    expect(enriched({ productId: "p", eventTime: 1999 })).toEqual(["old", "old brand", "c1", "x.1"]);
    expect(enriched({ productId: "p", eventTime: 2000 })).toEqual(["new", "new brand", "c2", "x.2"]);
    expect(enriched({ productId: "p", eventTime: 1 })).toEqual(["old", "old brand", "c1", "x.1"]);
    expect(enriched({ productId: "bare" })).toEqual([null, null, null, null]);
    expect(enriched({ productId: "unknown" })).toEqual([null, null, null, null]);
    expect(enriched({})).toEqual([null, null, null, null]);
  });

  test("an event's own values win, each by itself", () => {
    const rig = createRig();
    rig.products([
      { productId: "p", updateTime: 0, name: "n", brand: "b", categoryId: "c", categoryCode: "x" },
    ]);
    rig.feed([
      event({ productId: "p", brand: "own" }),
      event({ productId: "p", categoryId: "own" }),
      event({ productId: "p", categoryCode: "own" }),
    ]);
    expect(rig.rows).toMatchObject([
      { product_name: "n", brand: "own", category_id: "c", category_code: "x" },
      { product_name: "n", brand: "b", category_id: "own", category_code: "x" },
      { product_name: "n", brand: "b", category_id: "c", category_code: "own" },
    ]);
  });

  test("a product that becomes known changes later events only", () => {
    const rig = createRig();
    rig.feed([event({ productId: "p" })]);
    rig.products([{ productId: "p", updateTime: 0, name: "n", brand: "b" }]);
    rig.feed([event({ productId: "p" })]);
    expect(rig.rows.map(({ brand }) => brand)).toEqual([null, "b"]);
  });

  test("rows do not depend on how a batch is cut, nor on its size", () => {
    const random = seededRandom(12);
    const events = Array.from({ length: 10_000 }, () =>
      event({
        productId: random() < 0.8 ? `p${Math.floor(random() * 50)}` : null,
        brand: random() < 0.4 ? "x".repeat(Math.floor(random() * 40)) : null,
        categoryCode: random() < 0.5 ? `own.${Math.floor(random() * 9)}` : null,
        eventTime: Math.floor(random() * 1000),
      }),
    );
    const updates = Array.from({ length: 60 }, (_, i) => ({
      productId: `p${i % 40}`,
      updateTime: Math.floor(random() * 1000),
      name: `name ${i}`,
      brand: random() < 0.7 ? `brand ${"é".repeat(i)}` : null,
      categoryCode: `code.${i}`,
    }));
    const flags = events.map(() => (random() < 0.1 ? RowFlag.duplicate : 0));
    const [whole, cut] = [createRig(), createRig()];
    for (const rig of [whole, cut]) rig.products(updates);
    whole.feed(events, flags);
    cut.feed(events, flags, [1, 1, 2, 700, 4100, 9999]);
    expect(cut.rows).toEqual(whole.rows);
    expect(whole.rows).toHaveLength(flags.filter((flag) => flag === 0).length);
  });
});
