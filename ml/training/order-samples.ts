import type { Dataset } from "../plugin.ts";
import type { ReplayedOrder } from "./order-replay.ts";

/** The newest verdict on an order, and when it became known. */
export interface OrderVerdict {
  readonly isFraud: boolean;
  readonly knownMs: number;
}

export interface OrderDataset {
  readonly dataset: Dataset;
  /** Orders left out: too young for their fraud to be known. */
  readonly unknown: number;
  /** Age from which an order's label counts as known, and one that nobody complained of as genuine. */
  readonly matureMs: number;
}

/** Share of the known frauds that are known by the time an order counts as mature. */
const MATURE_SHARE = 0.99;

export interface OrderSelection {
  readonly verdicts: ReadonlyMap<string, OrderVerdict>;
  /** The time that the labels are known at. */
  readonly nowMs: number;
  /** Orders of event times [fromMs, toMs); all unless told. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** Vectors of orders with their labels as they are known at a time. */
export class OrderSamples {
  private readonly featureNames: readonly string[];
  private readonly rowsMax: number;
  /** Once there are `rowsMax` of them a heap, the oldest first. */
  private readonly orders: ReplayedOrder[] = [];

  /** @param rowsMax of more orders, those of the newest event times are kept, whatever comes when: 1.2 kB each */
  constructor(featureNames: readonly string[], rowsMax: number) {
    this.featureNames = featureNames;
    this.rowsMax = rowsMax;
  }

  add(order: ReplayedOrder): void {
    const { orders, rowsMax } = this;
    if (orders.length === rowsMax) {
      if (olderFirst(order, orders[0]) > 0) this.sink({ ...order, vector: order.vector.slice() });
      return;
    }
    orders.push({ ...order, vector: order.vector.slice() });
    // In ascending order, an array is such a heap.
    if (orders.length === rowsMax) orders.sort(olderFirst);
  }

  /** Event times of the orders, ascending. */
  times(): Float64Array {
    return Float64Array.from(this.orders, ({ timeMs }) => timeMs).sort();
  }

  /**
   * Orders older than the time within which nearly all known frauds became known: one with a verdict has
   * that label, one without counts as genuine. Younger ones are left out whatever is known of them: of
   * those, frauds have their verdict first, and would be most of what is learnt.
   */
  dataset(selection: OrderSelection): OrderDataset {
    const { verdicts, nowMs, fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = selection;
    const matureMs = this.maturity(verdicts);
    const selected = this.orders.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
    const kept = selected.filter(({ timeMs }) => nowMs - timeMs >= matureMs).sort(olderFirst);
    const width = this.featureNames.length;
    const vectors = new Float64Array(kept.length * width);
    kept.forEach(({ vector }, row) => {
      vectors.set(vector, row * width);
    });
    const dataset = {
      featureNames: this.featureNames,
      vectors,
      labels: Float64Array.from(kept, ({ orderId }) => (verdicts.get(orderId)?.isFraud === true ? 1 : 0)),
      rows: kept.length,
      times: Float64Array.from(kept, ({ timeMs }) => timeMs),
      groups: Int32Array.from(kept.keys()),
    };
    return { dataset, unknown: selected.length - kept.length, matureMs };
  }

  /** Puts the order in the place of the oldest. */
  private sink(order: ReplayedOrder): void {
    const { orders } = this;
    let at = 0;
    for (let child = 1; child < orders.length; child = 2 * at + 1) {
      if (child + 1 < orders.length && olderFirst(orders[child + 1], orders[child]) < 0) child++;
      if (olderFirst(order, orders[child]) <= 0) break;
      orders[at] = orders[child];
      at = child;
    }
    orders[at] = order;
  }

  private maturity(verdicts: ReadonlyMap<string, OrderVerdict>): number {
    const delays = this.orders
      .flatMap(({ orderId, timeMs }) => {
        const verdict = verdicts.get(orderId);
        return verdict?.isFraud === true ? [verdict.knownMs - timeMs] : [];
      })
      .sort((a, b) => a - b);
    return delays[Math.floor(MATURE_SHARE * (delays.length - 1))] ?? Number.POSITIVE_INFINITY;
  }
}

/** By event time; of one time by their place in the log, so that no order depends on what came when. */
function olderFirst(a: ReplayedOrder, b: ReplayedOrder): number {
  return a.timeMs - b.timeMs || a.partition - b.partition || a.offset - b.offset;
}
