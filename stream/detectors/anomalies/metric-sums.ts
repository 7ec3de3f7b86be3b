import {
  type CustomerEventBatch,
  type EnumColumn,
  type OrderBatch,
  type PaymentBatch,
  RowFlag,
  StateSection,
} from "../../../schema/index.ts";
import { revenueOf } from "../../operators/sessionize.ts";
import { sourceName, WindowSums } from "../../operators/window-sums.ts";
import type { Operator } from "../../runtime/operator.ts";
import type { Detector, DetectorDeps, DetectorTopic } from "../detector.ts";
import { FAILED_PAYMENTS_METRIC, METRIC_PREFIX, ORDERS_METRIC } from "./metric-names.ts";

export const ANOMALIES = "anomalies";
export const PANE_MS = 60_000;
export const METRIC_TOPICS = ["customer-events", "orders", "payments"] as const;

const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const utf8 = new TextEncoder();
const REVENUE = utf8.encode(METRIC_PREFIX.revenue);
const NO_CURRENCY = utf8.encode("XXX");
const CATEGORY = utf8.encode(METRIC_PREFIX.categoryEvents);
const ORDERS = utf8.encode(ORDERS_METRIC);
const FAILED_PAYMENTS = utf8.encode(FAILED_PAYMENTS_METRIC);
const typeNames = new Map<string, Uint8Array>();
/** Bytes of a metric's name: contracts bound a category to 256; of a currency so many are taken. */
const NAME_BYTES_MAX = 288;
const CURRENCY_BYTES_MAX = 16;

/** First stage: the metrics of a task, in panes of a minute; each topic by itself. */
export function sumMetrics(deps: DetectorDeps): Detector {
  const panes = METRIC_TOPICS.map((topic) => {
    const state = new StateSection(`${ANOMALIES}.${topic}`);
    const source = sourceName(deps.taskId, topic);
    const sums = new WindowSums(state, {
      channel: ANOMALIES,
      source,
      width: 1,
      paneMs: PANE_MS,
      time: deps.time,
      send: (bytes, sequence) => deps.sendBlock(source, bytes, sequence),
    });
    return { state, sums };
  });
  const [events, orders, payments] = panes;
  const customerEvents = new EventCounts(events.sums, deps);
  return {
    steps: {
      "customer-events": {
        name: ANOMALIES,
        state: events.state,
        process: (batch, from, to) => customerEvents.count(batch, from, to),
        advance: (progress) => events.sums.advance(progress),
        emitSome: (rowsMax) => events.sums.emitSome(rowsMax),
      },
      orders: countStatus<OrderBatch>(orders, "placed", ORDERS, (batch) => batch.orderTime.values),
      payments: countStatus<PaymentBatch>(
        payments,
        "failed",
        FAILED_PAYMENTS,
        (batch) => batch.paymentTime.values,
      ),
    },
    advanceTask(taskTimeMs) {
      for (const { sums } of panes) sums.advanceTask(taskTimeMs);
    },
    markIdle() {
      for (const { sums } of panes) sums.markIdle();
    },
  };
}

/** Counts rows of one status. */
function countStatus<B extends OrderBatch | PaymentBatch>(
  { state, sums }: { readonly state: StateSection; readonly sums: WindowSums },
  status: string,
  metric: Uint8Array,
  timesOf: (batch: B) => Float64Array,
): Operator<B> {
  return {
    name: ANOMALIES,
    state,
    process(batch, from, to) {
      const code = (batch.status as EnumColumn).symbols.indexOf(status);
      const times = timesOf(batch);
      for (let row = from; row < to; row++) {
        if (batch.status.codes[row] !== code || (batch.flags[row] & SKIPPED) !== 0) continue;
        sums.add(times[row], metric, 0, metric.length, [1]);
      }
    },
    advance: (progress) => sums.advance(progress),
    emitSome: (rowsMax) => sums.emitSome(rowsMax),
  };
}

/** Events by type and by category: counted per run of rows in one pane, since a sum by key costs a look-up. */
class EventCounts {
  private readonly sums: WindowSums;
  private readonly deps: DetectorDeps;
  private readonly byType = new Float64Array(256);
  private byCategory = new Float64Array(1024);
  private touched: number[] = [];
  private readonly name = new Uint8Array(NAME_BYTES_MAX);
  private readonly amount = new Float64Array(1);

  constructor(sums: WindowSums, deps: DetectorDeps) {
    this.sums = sums;
    this.deps = deps;
  }

  count(batch: CustomerEventBatch, from: number, to: number): void {
    const { flags } = batch;
    const times = batch.eventTime.values;
    const { codes, symbols } = batch.eventType;
    const categories = batch.categoryId.ids;
    const purchase = symbols.indexOf("purchase");
    this.ensureCategories();
    const { byType, byCategory, touched } = this;
    let start = 0;
    let end = 0;
    for (let row = from; row < to; row++) {
      if ((flags[row] & SKIPPED) !== 0) continue;
      const at = times[row];
      if (at < start || at >= end) {
        this.flush(start, symbols);
        start = Math.floor(at / PANE_MS) * PANE_MS;
        end = start + PANE_MS;
      }
      byType[codes[row]] += 1;
      const category = categories[row];
      if (category >= 0 && byCategory[category]++ === 0) touched.push(category);
      if (codes[row] === purchase) this.addRevenue(batch, row);
    }
    this.flush(start, symbols);
  }

  private ensureCategories(): void {
    const { size } = this.deps.keys.categoryId;
    if (size > this.byCategory.length) this.byCategory = new Float64Array(size * 2);
  }

  /** Adds what was counted to the sums of the pane. */
  private flush(time: number, symbols: readonly string[]): void {
    for (let code = 0; code < symbols.length; code++) {
      if (this.byType[code] === 0) continue;
      const name = typeMetric(symbols[code]);
      this.add(time, name, name.length, this.byType[code]);
      this.byType[code] = 0;
    }
    const dictionary = this.deps.keys.categoryId;
    for (const category of this.touched) {
      const length = this.write(
        CATEGORY,
        dictionary.heap,
        dictionary.start(category),
        dictionary.ends[category],
      );
      this.add(time, this.name, length, this.byCategory[category]);
      this.byCategory[category] = 0;
    }
    this.touched.length = 0;
  }

  private addRevenue(batch: CustomerEventBatch, row: number): void {
    const { bytes, start, end } = batch.currency;
    const length =
      start[row] < 0
        ? this.write(REVENUE, NO_CURRENCY, 0, NO_CURRENCY.length)
        : this.write(REVENUE, bytes, start[row], Math.min(end[row], start[row] + CURRENCY_BYTES_MAX));
    this.add(batch.eventTime.values[row], this.name, length, revenueOf(batch, row));
  }

  private write(prefix: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
    this.name.set(prefix);
    for (let i = start; i < end; i++) this.name[prefix.length + i - start] = bytes[i];
    return prefix.length + end - start;
  }

  private add(time: number, name: Uint8Array, length: number, amount: number): void {
    this.amount[0] = amount;
    this.sums.add(time, name, 0, length, this.amount);
  }
}

/** The metric of an event type; there are as many as the contract has symbols. */
function typeMetric(symbol: string): Uint8Array {
  let name = typeNames.get(symbol);
  if (name === undefined) {
    name = utf8.encode(`${METRIC_PREFIX.events}${symbol}`);
    typeNames.set(symbol, name);
  }
  return name;
}

/** The sources of a task, for the second stage. */
export function metricSources(taskId: string): string[] {
  return METRIC_TOPICS.map((topic: DetectorTopic) => sourceName(taskId, topic));
}
