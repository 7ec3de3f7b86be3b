import { describe, expect, it } from "vitest";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  customerEventContract,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { Operator } from "../runtime/operator.ts";
import { defaultTimeConfig, END_OF_INPUT, WatermarkTracker } from "../time/index.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import { createProductPanes, defaultProductPanesConfig } from "./product-panes.ts";
import { createProductTable } from "./product-table.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { randomEvents } from "./testing/random-events.ts";
import { WindowSums } from "./window-sums.ts";

const time = defaultTimeConfig;
const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;

type Send = (bytes: Uint8Array) => void;

function productPanes(keys: OperatorKeys, emitPanes: Send): Operator<CustomerEventBatch> {
  const products = createProductTable({ keys });
  return createProductPanes(defaultProductPanesConfig, {
    ...{ keys, products, time, emitPanes },
    sourceTask: "task",
  });
}

/** Sums by product, with {@link WindowSums}. */
function productSums(keys: OperatorKeys, send: Send): Operator<CustomerEventBatch> {
  const state = new StateSection("sums");
  const options = { channel: "sums", source: "task/customer-events", width: 2, paneMs: 60_000, time };
  const sums = new WindowSums(state, { ...options, send });
  return {
    name: "sums",
    state,
    process(batch, from, to) {
      for (let row = from; row < to; row++) {
        const product = batch.productId.ids[row];
        if (product < 0 || (batch.flags[row] & SKIPPED) !== 0) continue;
        const { heap, ends } = keys.productId;
        sums.add(batch.eventTime.values[row], heap, keys.productId.start(product), ends[product], [1, row]);
      }
    },
    advance: (progress) => sums.advance(progress),
    emitSome: (rowsMax) => sums.emitSome(rowsMax),
  };
}

/** Four minutes of 400 products, some of another category at times, with late events. */
function denseEvents(seed: number): CustomerEvent[] {
  return randomEvents({ seed, count: 12_000, stepMs: 20 }).map((event, i) => ({
    ...event,
    productId: `p${(i * 7919) % 400}`,
    categoryId: `cat-${i % 50 === 0 ? 1 : 2}`,
  }));
}

/**
 * The blocks of a run, a batch of 20 events after another.
 * @param emit what is done behind each batch and each advance
 */
function run(
  create: (keys: OperatorKeys, send: Send) => Operator<CustomerEventBatch>,
  events: readonly CustomerEvent[],
  emit: (operator: Operator<CustomerEventBatch>) => void,
) {
  const blocks: Uint8Array[] = [];
  let forced = 0;
  const keys = createKeys();
  const operator = create(keys, (bytes) => void blocks.push(bytes));
  const tracker = new WatermarkTracker("watermark", time);
  for (let at = 0; at < events.length; at += 20) {
    const rows = events.slice(at, at + 20) as never;
    const batch = makeBatch<CustomerEventBatch>(customerEventContract, rows, { keys });
    for (let from = 0; from < batch.length; ) {
      const to = tracker.scan(batch, batch.eventTime, from);
      const sent = blocks.length;
      if (to > from) operator.process(batch, from, to, tracker.progress);
      forced += blocks.length - sent;
      if (to < batch.length) operator.advance(tracker.advance());
      emit(operator);
      from = to;
    }
  }
  operator.advance(END_OF_INPUT);
  operator.emitSome?.(Number.POSITIVE_INFINITY);
  return { blocks, forced };
}

describe.each([
  ["panes by product", productPanes],
  ["sums by key", productSums],
])("%s", (_, create) => {
  it.each([1, 2, 3])("have the same blocks, whenever their steps are done (seed %i)", (seed) => {
    const events = denseEvents(seed);
    const atOnce = run(create, events, (operator) => operator.emitSome?.(Number.POSITIVE_INFINITY));
    const inSteps = run(create, events, (operator) => operator.emitSome?.(1));
    const never = run(create, events, () => undefined);
    expect(atOnce.blocks.length).toBeGreaterThan(3);
    expect(inSteps.blocks).toEqual(atOnce.blocks);
    expect(never.blocks).toEqual(atOnce.blocks);
    // Late events met blocks that were not done.
    expect(atOnce.forced).toBe(0);
    expect(never.forced).toBeGreaterThan(0);
  });
});
