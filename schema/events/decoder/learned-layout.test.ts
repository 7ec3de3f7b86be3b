import { expect, test } from "vitest";
import { LearnedLayout } from "./learned-layout.ts";

const utf8 = new TextEncoder();
const PADDING = 64;

/** A record, and how many of its bytes a producer's literal takes. */
function padded(record: string): { bytes: Uint8Array; view: DataView } {
  const body = utf8.encode(record);
  const bytes = new Uint8Array(body.length + PADDING);
  bytes.set(body);
  return { bytes, view: new DataView(bytes.buffer) };
}

test("producers with and without a blank before a value are told apart, whoever came first", () => {
  const close = '{"quantity":5}';
  const apart = '{"quantity": 5}';
  for (const order of [
    [close, apart],
    [apart, close],
  ]) {
    const layout = new LearnedLayout();
    const literals = order.map((record) => record.indexOf("5"));
    for (const [i, record] of order.entries()) {
      const { bytes, view } = padded(record);
      expect(layout.match(view, 0, 1)).toBe(-1);
      layout.learn(7, bytes, [0, literals[i]], 1, false);
    }
    for (const [i, record] of order.entries()) {
      const found = layout.match(padded(record).view, 0, 1);
      expect([layout.fields[found], layout.lengths[found]]).toEqual([7, literals[i]]);
    }
  }
});

test("a text may begin with a blank, and a null may be followed by one", () => {
  const layout = new LearnedLayout();
  const text = padded('{"userId":"u1"}');
  layout.learn(1, text.bytes, [0, 11], 1, false);
  const nothing = padded(',"referrer":null,');
  layout.learn(2, nothing.bytes, [0, 16], 0, true);
  expect(layout.fields[layout.match(padded('{"userId":" u1"}').view, 0, 1)]).toBe(1);
  expect(layout.fields[layout.match(padded(',"referrer":null }').view, 0, 0)]).toBe(2);
});
