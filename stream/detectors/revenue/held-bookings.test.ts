import { expect, test } from "vitest";
import { PaneBlockKind, PaneBlockReader, PaneBlockWriter } from "../../operators/pane-block.ts";
import type { SummedWindows } from "../../operators/summed-windows.ts";
import { HeldBookings } from "./held-bookings.ts";

const NOON = Date.UTC(2026, 0, 5, 12);
const utf8 = new TextEncoder();
const KEY = utf8.encode("category");

/** The block of an order with one booking, open behind its kind. */
function block(orderId: string, revision: number, amountMinor: number): PaneBlockReader {
  const writer = new PaneBlockWriter();
  writer.begin({
    channel: "revenue",
    kind: PaneBlockKind.replacement,
    source: "events-0/bookings",
    sequence: revision,
    watermarkMs: Number.NEGATIVE_INFINITY,
  });
  const id = utf8.encode(orderId);
  writer.text(id, 0, id.length);
  writer.u32(1);
  writer.f64(NOON);
  writer.text(KEY, 0, KEY.length);
  writer.f64(amountMinor);
  const reader = new PaneBlockReader();
  reader.openBlock(writer.finish(), 0);
  reader.u8();
  return reader;
}

test("an order that a checkpoint has by its id alone is replaced, also behind a block that came twice", () => {
  const added: number[] = [];
  const windows = {
    closedMs: Number.NEGATIVE_INFINITY,
    add: (_at: number, _key: Uint8Array, [, , , refunded]: readonly number[]) => added.push(refunded),
    evaluate: () => undefined,
  };
  const held = new HeldBookings(windows as unknown as SummedWindows, 60_000);
  const bookings = [[NOON, Buffer.from(KEY).toString("base64"), 500]];
  held.restore([["o", { revision: 2, bookings, untilMs: NOON }]]);
  held.fold(block("o", 2, 500));
  expect(added).toEqual([]);
  held.fold(block("o", 3, 700));
  expect(added).toEqual([200]);
  expect(held.save()).toHaveLength(1);
});
