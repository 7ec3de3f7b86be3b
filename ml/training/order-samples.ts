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
  /** Age from which an order that nobody complained of counts as genuine. */
  readonly matureMs: number;
}

/** Share of the known frauds that are known by the time an order counts as mature. */
const MATURE_SHARE = 0.99;

/** Vectors of orders with their labels as they are known at a time. */
export class OrderSamples {
  private readonly width: number;
  private readonly rowsMax: number;
  private readonly orders: { orderId: string; timeMs: number; vector: Float64Array }[] = [];
  private next = 0;

  /** @param rowsMax of more orders, the newest are kept: 1.2 kB each */
  constructor(width: number, rowsMax: number) {
    this.width = width;
    this.rowsMax = rowsMax;
  }

  get size(): number {
    return this.orders.length;
  }

  add({ orderId, timeMs, vector }: ReplayedOrder): void {
    this.orders[this.next] = { orderId, timeMs, vector: vector.slice() };
    this.next = (this.next + 1) % this.rowsMax;
  }

  /**
   * An order with a verdict has that label; one without counts as genuine once it is older than the
   * time within which nearly all known frauds became known, and is left out before.
   */
  dataset(
    featureNames: readonly string[],
    verdicts: ReadonlyMap<string, OrderVerdict>,
    nowMs: number,
  ): OrderDataset {
    const matureMs = this.maturity(verdicts);
    const kept = this.orders
      .filter(({ orderId, timeMs }) => verdicts.has(orderId) || nowMs - timeMs >= matureMs)
      .sort((a, b) => a.timeMs - b.timeMs);
    const vectors = new Float64Array(kept.length * this.width);
    kept.forEach(({ vector }, row) => {
      vectors.set(vector, row * this.width);
    });
    const dataset = {
      featureNames,
      vectors,
      labels: Float64Array.from(kept, ({ orderId }) => (verdicts.get(orderId)?.isFraud === true ? 1 : 0)),
      rows: kept.length,
      times: Float64Array.from(kept, ({ timeMs }) => timeMs),
      groups: Int32Array.from(kept.keys()),
    };
    return { dataset, unknown: this.orders.length - kept.length, matureMs };
  }

  private maturity(verdicts: ReadonlyMap<string, OrderVerdict>): number {
    const delays = this.orders
      .flatMap(({ orderId, timeMs }) => {
        const verdict = verdicts.get(orderId);
        return verdict?.isFraud === true ? [verdict.knownMs - timeMs] : [];
      })
      .sort((a, b) => a - b);
    return delays.length === 0
      ? Number.POSITIVE_INFINITY
      : delays[Math.floor(MATURE_SHARE * (delays.length - 1))];
  }
}
