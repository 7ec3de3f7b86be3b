import {
  type CustomerEventBatch,
  KeyDictionary,
  PAGE_SHIFT,
  RowFlag,
  type SlotArray,
  StateSection,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { TimeConfig } from "../time/index.ts";
import { EventKind, eventKindTable } from "./event-kinds.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import { PaneBlockKind, PaneBlockWriter, revenueKey } from "./pane-block.ts";
import type { ProductTable } from "./product-table.ts";
import { revenueOf } from "./sessionize.ts";

export interface ProductPanesConfig {
  /** Size of a pane, ms: the advance of the second stage's windows. */
  readonly paneMs: number;
}

export const defaultProductPanesConfig: ProductPanesConfig = { paneMs: 60_000 };

export interface ProductPanesDeps {
  readonly keys: OperatorKeys;
  /** For the category of a purchase that names none; null where there is no product table. */
  readonly products: Pick<ProductTable, "versionAt" | "categoryOf"> | null;
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
/** Numbers of a place: pane, products, revenue keys. */
const PLACE = 3;
const SEQUENCE = 0;
const WATERMARK = 1;
const PLACES = 2;
/** Most bytes of a category and a currency that tell keys apart; contracts bound both below it. */
const KEY_BYTES_MAX = 16_384;
const UNKNOWN = new TextEncoder().encode("unknown");
const NO_CURRENCY = new TextEncoder().encode("XXX");

/**
 * First stage of everything keyed by product or category: counts per pane and sends them on when the
 * watermark passes the pane's end, and what late rows add at the next advance. At every boundary of a
 * pane a block goes out even if it is empty, so that the second stage's watermark moves.
 */
export function createProductPanes(config: ProductPanesConfig, deps: ProductPanesDeps): ProductPanes {
  const { paneMs } = config;
  const { keys, products, time, sourceTask } = deps;
  const placeCount = Math.ceil((time.outOfOrdernessMs + time.allowedLatenessMs + time.tickMs) / paneMs) + 2;
  const state = new StateSection("product-panes");
  const numbers = state.float64("numbers");
  numbers.ensure(PLACES + placeCount * PLACE);
  numbers.values.set([-1, Number.NEGATIVE_INFINITY]);
  for (let place = 0; place < placeCount; place++) numbers.values[PLACES + place * PLACE] = NONE;
  numbers.mark(0);
  /** Per product and place: events, views, cart adds, purchases. */
  const counts = state.int32("product-counts");
  /** Per revenue key and place: revenue, units, purchases, unused. */
  const sums = state.float64("revenue-sums");
  const revenueKeys = state.dictionary(new KeyDictionary("revenue-key", 64));
  const productLists = Array.from({ length: placeCount }, (_, i) => state.int32(`products-${i}`));
  const revenueLists = Array.from({ length: placeCount }, (_, i) => state.int32(`revenues-${i}`));
  const scratch = new Uint8Array(KEY_BYTES_MAX + 2);
  const writer = new PaneBlockWriter();

  function openPane(pane: number): number {
    const place = pane % placeCount;
    if (numbers.values[PLACES + place * PLACE] !== pane) {
      numbers.values[PLACES + place * PLACE] = pane;
      numbers.mark(0);
    }
    return place;
  }

  function append(list: SlotArray<Int32Array>, counter: number, value: number): void {
    const at = numbers.values[counter];
    list.ensure(at + 1);
    list.values[at] = value;
    list.dirty[at >>> PAGE_SHIFT] = 1;
    numbers.values[counter] = at + 1;
    numbers.dirty[0] = 1;
  }

  function internRevenueKey(batch: CustomerEventBatch, row: number): number {
    let category = batch.categoryId.ids[row];
    if (category < 0 && products !== null) {
      const version = products.versionAt(batch.productId.ids[row], batch.eventTime.values[row]);
      if (version >= 0) category = products.categoryOf(version);
    }
    const dictionary = keys.categoryId;
    const { currency } = batch;
    const length = revenueKey(
      scratch,
      category < 0
        ? { bytes: UNKNOWN, start: 0, end: UNKNOWN.length }
        : { bytes: dictionary.heap, start: dictionary.start(category), end: dictionary.ends[category] },
      currency.start[row] < 0
        ? { bytes: NO_CURRENCY, start: 0, end: NO_CURRENCY.length }
        : { bytes: currency.bytes, start: currency.start[row], end: currency.end[row] },
    );
    return revenueKeys.intern(scratch, 0, length);
  }

  function addRevenue(batch: CustomerEventBatch, row: number, place: number): void {
    const key = internRevenueKey(batch, row);
    sums.ensure(revenueKeys.size * placeCount * 4);
    const at = (key * placeCount + place) * 4;
    const { quantity } = batch;
    const { values } = sums;
    if (values[at + 2] === 0) append(revenueLists[place], PLACES + place * PLACE + 2, key);
    values[at] += revenueOf(batch, row);
    values[at + 1] += quantity.valid !== null && quantity.valid[row] === 0 ? 1 : quantity.values[row];
    values[at + 2] += 1;
    sums.mark(at);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    counts.ensure(keys.productId.size * placeCount * 4);
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
      if (product < 0 && kind !== EventKind.purchase) continue;
      if (at < start || at >= end) {
        const pane = Math.floor(at / paneMs);
        start = pane * paneMs;
        end = start + paneMs;
        place = openPane(pane);
      }
      if (product >= 0) {
        const slot = (product * placeCount + place) << 2;
        if (values[slot]++ === 0) append(productLists[place], PLACES + place * PLACE + 1, product);
        values[slot + kind] += 1;
        dirty[slot >>> PAGE_SHIFT] = 1;
      }
      if (kind === EventKind.purchase) addRevenue(batch, row, place);
    }
  }

  /** Places whose pane has ended, in pane order. */
  function duePlaces(watermarkMs: number): number[] {
    const paneOf = (place: number): number => numbers.values[PLACES + place * PLACE];
    return Array.from({ length: placeCount }, (_, place) => place)
      .filter((place) => paneOf(place) !== NONE && (paneOf(place) + 1) * paneMs <= watermarkMs)
      .sort((a, b) => paneOf(a) - paneOf(b));
  }

  function writeProducts(place: number): void {
    const count = numbers.values[PLACES + place * PLACE + 1];
    const list = productLists[place].values;
    const dictionary = keys.productId;
    writer.u32(count);
    for (let i = 0; i < count; i++) {
      const product = list[i];
      const at = (product * placeCount + place) << 2;
      writer.text(dictionary.heap, dictionary.start(product), dictionary.ends[product]);
      for (let kind = 1; kind < 4; kind++) writer.u32(counts.values[at + kind]);
      counts.values.fill(0, at, at + 4);
      counts.mark(at);
    }
    productLists[place].length = 0;
  }

  function writeRevenues(place: number): void {
    const count = numbers.values[PLACES + place * PLACE + 2];
    const list = revenueLists[place].values;
    writer.u32(count);
    for (let i = 0; i < count; i++) {
      const key = list[i];
      const at = (key * placeCount + place) * 4;
      writer.text(revenueKeys.heap, revenueKeys.start(key), revenueKeys.ends[key]);
      writer.f64(sums.values[at]);
      writer.f64(sums.values[at + 1]);
      writer.u32(sums.values[at + 2]);
      sums.values.fill(0, at, at + 4);
      sums.mark(at);
    }
    revenueLists[place].length = 0;
  }

  function sendBlock(places: readonly number[], watermarkMs: number): void {
    const sequence = numbers.values[SEQUENCE] + 1;
    numbers.values[SEQUENCE] = sequence;
    writer.begin(PaneBlockKind.data, sourceTask, sequence, watermarkMs);
    writer.u32(places.length);
    for (const place of places) {
      const base = PLACES + place * PLACE;
      writer.f64(numbers.values[base] * paneMs);
      writeProducts(place);
      writeRevenues(place);
      numbers.values.set([NONE, 0, 0], base);
    }
    numbers.mark(0);
    deps.emitPanes(writer.finish(), sequence);
  }

  function advance({ watermarkMs }: Progress): void {
    const before = numbers.values[WATERMARK];
    // After a restore the runtime may repeat the last advance; a block must not go out before its turn.
    if (watermarkMs === before) return;
    const due = duePlaces(watermarkMs);
    const boundary = Math.floor(watermarkMs / paneMs) !== Math.floor(before / paneMs);
    if (due.length > 0 || boundary) sendBlock(due, watermarkMs);
    if (Number.isFinite(watermarkMs)) numbers.values[WATERMARK] = watermarkMs;
    numbers.mark(0);
  }

  function idleBlock(): Uint8Array {
    writer.begin(PaneBlockKind.idle, sourceTask, NONE, Number.NEGATIVE_INFINITY);
    writer.u32(0);
    return writer.finish();
  }

  return { name: "product-panes", state, process, advance, idleBlock };
}
