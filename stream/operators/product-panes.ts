import {
  type CustomerEventBatch,
  PAGE_SHIFT,
  RowFlag,
  type SlotArray,
  StateSection,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { TimeConfig } from "../time/index.ts";
import { EventKind, eventKindTable } from "./event-kinds.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import { PaneBlockKind, PaneBlockWriter, PRODUCT_CHANNEL } from "./pane-block.ts";
import type { ProductTable } from "./product-table.ts";
import { PutOff } from "./put-off.ts";

export interface ProductPanesConfig {
  /** Size of a pane, ms: the advance of the second stage's windows. */
  readonly paneMs: number;
}

export const defaultProductPanesConfig: ProductPanesConfig = { paneMs: 60_000 };

export interface ProductPanesDeps {
  readonly keys: OperatorKeys;
  /** Categories of events that do not say theirs. */
  readonly products: ProductTable;
  readonly time: TimeConfig;
  readonly sourceTask: string;
  /** Sends a block; a replay sends the same block under the same sequence. */
  readonly emitPanes: (bytes: Uint8Array, sequence: number) => void;
}

export interface ProductPanes extends Operator<CustomerEventBatch> {
  /** Tells the second stage not to wait for this task until its next block. */
  idleBlock(): Uint8Array;
}

const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const NONE = -1;
/** Numbers of a place: pane, products. */
const PLACE = 2;
const SEQUENCE = 0;
const WATERMARK = 1;
const PLACES = 2;
/** Numbers of a change of category: pane, product, category, event time. */
const CHANGE = 4;
/** Products of a step of a block. */
const STEP_PRODUCTS = 64;

/**
 * First stage of everything keyed by product: counts per pane and sends them on when the
 * watermark passes the pane's end, and what late rows add at the next advance. At every boundary of a
 * pane a block goes out even if it is empty, so that the second stage's watermark moves. With the pane
 * goes which products' events name another category than those before them. A block is written in steps,
 * all of it before anything that would change it.
 */
export function createProductPanes(config: ProductPanesConfig, deps: ProductPanesDeps): ProductPanes {
  const { paneMs } = config;
  const { keys, time, sourceTask } = deps;
  const placeCount = Math.ceil((time.outOfOrdernessMs + time.allowedLatenessMs + time.tickMs) / paneMs) + 2;
  const state = new StateSection("product-panes");
  state.measure("panes for outOfOrdernessMs, allowedLatenessMs and tickMs", placeCount);
  const numbers = state.float64("numbers");
  numbers.ensure(PLACES + placeCount * PLACE);
  numbers.values.set([-1, Number.NEGATIVE_INFINITY]);
  for (let place = 0; place < placeCount; place++) numbers.values[PLACES + place * PLACE] = NONE;
  numbers.markRange(0, numbers.length);
  /** Per product and place: events, views, cart adds, purchases. */
  const counts = state.int32("product-counts");
  const productLists = Array.from({ length: placeCount }, (_, i) => state.int32(`products-${i}`));
  /** Per product: category of its last event that has one, + 1. */
  const categories = state.int32("product-categories");
  const changes = state.float64("category-changes");
  const writer = new PaneBlockWriter();
  /** The block that is being written, and the places that it takes. */
  const writing = new PutOff();
  let places: readonly number[] = [];

  function openPane(pane: number): number {
    const place = pane % placeCount;
    if (places.includes(place)) writing.finish();
    if (numbers.values[PLACES + place * PLACE] !== pane) {
      numbers.values[PLACES + place * PLACE] = pane;
      numbers.mark(PLACES + place * PLACE);
    }
    return place;
  }

  function append(list: SlotArray<Int32Array>, counter: number, value: number): void {
    const at = numbers.values[counter];
    list.ensure(at + 1);
    list.values[at] = value;
    list.dirty[at >>> PAGE_SHIFT] = 1;
    numbers.values[counter] = at + 1;
    numbers.mark(counter);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    counts.ensure(keys.productId.size * placeCount * 4);
    categories.ensure(keys.productId.size);
    const kinds = eventKindTable(batch.eventType);
    const { flags } = batch;
    const codes = batch.eventType.codes;
    const times = batch.eventTime.values;
    const ids = batch.productId.ids;
    const { values, dirty } = counts;
    let start = 0;
    let end = 0;
    let place = 0;
    for (let row = from; row < to; row++) {
      const kind = kinds[codes[row]];
      if (kind === EventKind.other || (flags[row] & SKIPPED) !== 0) continue;
      const at = times[row];
      const product = ids[row];
      if (product < 0) continue;
      if (at < start || at >= end) {
        const pane = Math.floor(at / paneMs);
        start = pane * paneMs;
        end = start + paneMs;
        place = openPane(pane);
      }
      const slot = (product * placeCount + place) << 2;
      if (values[slot]++ === 0) append(productLists[place], PLACES + place * PLACE + 1, product);
      values[slot + kind] += 1;
      dirty[slot >>> PAGE_SHIFT] = 1;
      const category = categoryOf(batch, row);
      if (category >= 0 && categories.values[product] !== category + 1) changeCategory(product, category, at);
    }
  }

  /** The event's own, else the product's as of then; -1 where neither is known. */
  function categoryOf(batch: CustomerEventBatch, row: number): number {
    const own = batch.categoryId.ids[row];
    if (own >= 0) return own;
    const version = deps.products.versionAt(batch.productId.ids[row], batch.eventTime.values[row]);
    return version < 0 ? -1 : deps.products.categoryOf(version);
  }

  function changeCategory(product: number, category: number, at: number): void {
    categories.values[product] = category + 1;
    categories.mark(product);
    const change = changes.length;
    changes.ensure(change + CHANGE);
    changes.values.set([Math.floor(at / paneMs), product, category, at], change);
    changes.markRange(change, change + CHANGE);
  }

  /** Writes the changes of a pane, and forgets them. */
  function writeChanges(pane: number): void {
    const { values, length } = changes;
    let own = 0;
    for (let change = 0; change < length; change += CHANGE) if (values[change] === pane) own++;
    writer.u32(own);
    if (own === 0) return;
    let kept = 0;
    for (let change = 0; change < length; change += CHANGE) {
      if (values[change] === pane) writeChange(change);
      else {
        values.copyWithin(kept, change, change + CHANGE);
        kept += CHANGE;
      }
    }
    changes.markRange(0, length);
    changes.length = kept;
  }

  /** A function of its own, like {@link writeProduct}: the first minute has thousands, and calls soon run optimised. */
  function writeChange(change: number): void {
    const product = changes.values[change + 1];
    const category = changes.values[change + 2];
    writer.text(keys.productId.heap, keys.productId.start(product), keys.productId.ends[product]);
    writer.text(keys.categoryId.heap, keys.categoryId.start(category), keys.categoryId.ends[category]);
    writer.f64(changes.values[change + 3]);
  }

  /** Places whose pane has ended, in pane order. */
  function duePlaces(watermarkMs: number): number[] {
    const paneOf = (place: number): number => numbers.values[PLACES + place * PLACE];
    return Array.from({ length: placeCount }, (_, place) => place)
      .filter((place) => paneOf(place) !== NONE && (paneOf(place) + 1) * paneMs <= watermarkMs)
      .sort((a, b) => paneOf(a) - paneOf(b));
  }

  function* writeProducts(place: number): Generator<number, void> {
    const count = numbers.values[PLACES + place * PLACE + 1];
    writer.u32(count);
    for (let from = 0; from < count; from += STEP_PRODUCTS) {
      const list = productLists[place].values;
      const to = Math.min(count, from + STEP_PRODUCTS);
      for (let i = from; i < to; i++) writeProduct(list[i], place);
      yield to - from;
    }
    productLists[place].length = 0;
  }

  function writeProduct(product: number, place: number): void {
    const dictionary = keys.productId;
    const { values } = counts;
    const at = (product * placeCount + place) << 2;
    writer.text(dictionary.heap, dictionary.start(product), dictionary.ends[product]);
    values[at] = 0;
    for (let kind = 1; kind < 4; kind++) {
      writer.u32(values[at + kind]);
      values[at + kind] = 0;
    }
    counts.mark(at);
  }

  function* sendBlock(watermarkMs: number): Generator<number, void> {
    const sequence = numbers.values[SEQUENCE] + 1;
    numbers.values[SEQUENCE] = sequence;
    const header = { channel: PRODUCT_CHANNEL, kind: PaneBlockKind.data, source: sourceTask };
    writer.begin({ ...header, sequence, watermarkMs });
    writer.u32(places.length);
    for (const place of places) {
      const base = PLACES + place * PLACE;
      writer.f64(numbers.values[base] * paneMs);
      yield* writeProducts(place);
      writeChanges(numbers.values[base]);
      numbers.values.set([NONE, 0], base);
      numbers.markRange(base, base + 2);
    }
    numbers.mark(0);
    places = [];
    deps.emitPanes(writer.finish(), sequence);
  }

  function advance({ watermarkMs }: Progress): void {
    const before = numbers.values[WATERMARK];
    // After a restore the runtime may repeat the last advance; a block must not go out before its turn.
    if (watermarkMs === before) return;
    writing.finish();
    const due = duePlaces(watermarkMs);
    const boundary = Math.floor(watermarkMs / paneMs) !== Math.floor(before / paneMs);
    if (due.length > 0 || boundary) {
      places = due;
      writing.add(sendBlock(watermarkMs));
    }
    if (Number.isFinite(watermarkMs)) numbers.values[WATERMARK] = watermarkMs;
    numbers.mark(0);
  }

  function idleBlock(): Uint8Array {
    writing.finish();
    return writer.idleBlock(PRODUCT_CHANNEL, sourceTask);
  }

  return {
    name: "product-panes",
    state,
    process,
    advance,
    emitSome: (rowsMax) => writing.some(rowsMax),
    idleBlock,
  };
}
