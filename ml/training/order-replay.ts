import { columnValue, type EventBatch, RowFlag, StateSection } from "../../schema/index.ts";
import {
  FraudFeatures,
  type LabelRows,
  type OrderRows,
  type PaymentRows,
  type ShopperEventBatch,
  shopperSession,
} from "../features/index.ts";
import type { FeatureKeys, FeatureState } from "../plugin.ts";

/** An order as it was scored. */
export interface ReplayedOrder {
  readonly orderId: string;
  readonly timeMs: number;
  readonly partition: number;
  readonly offset: number;
  /** Valid until the next order: copy what you keep. */
  readonly vector: Float64Array;
}

/**
 * The fold of one partition for training: the rows of each topic in the order of its log, an order
 * behind what was known when it was placed. Duplicates are passed over, as in the stream.
 */
export class OrderReplay {
  private readonly session: FeatureState<ShopperEventBatch>;
  private readonly features: FraudFeatures;
  private readonly onOrder: (order: ReplayedOrder) => void;
  private readonly vector: Float64Array;

  constructor(keys: FeatureKeys, onOrder: (order: ReplayedOrder) => void) {
    this.session = shopperSession.createState(new StateSection("features-shopper-session"), keys);
    this.features = new FraudFeatures({ session: this.session as FeatureState });
    this.vector = new Float64Array(this.features.featureNames.length);
    this.onOrder = onOrder;
  }

  get stateBytes(): FraudFeatures["stateBytes"] {
    return this.features.stateBytes;
  }

  foldEvents(batch: ShopperEventBatch, from: number, to: number): void {
    this.session.ensure();
    for (let row = from; row < to; row++) if (!isDuplicate(batch, row)) this.session.fold(batch, row);
  }

  foldOrders(batch: OrderRows, from: number, to: number): void {
    const { features, vector } = this;
    features.ensure();
    for (let row = from; row < to; row++) {
      if (isDuplicate(batch, row) || !features.foldOrder(batch, row, vector, 0)) continue;
      this.onOrder({
        orderId: String(columnValue(batch.orderId, row)),
        timeMs: batch.orderTime.values[row],
        partition: batch.partition,
        offset: batch.offset[row],
        vector,
      });
    }
  }

  foldPayments(batch: PaymentRows, from: number, to: number): void {
    this.features.ensure();
    for (let row = from; row < to; row++) if (!isDuplicate(batch, row)) this.features.foldPayment(batch, row);
  }

  foldLabels(batch: LabelRows, from: number, to: number): void {
    this.features.ensure();
    for (let row = from; row < to; row++) if (!isDuplicate(batch, row)) this.features.foldLabel(batch, row);
  }
}

function isDuplicate(batch: EventBatch, row: number): boolean {
  return (batch.flags[row] & RowFlag.duplicate) !== 0;
}
