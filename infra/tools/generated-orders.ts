import { type FeatureKeys, OrderReplay, type OrderVerdict, type ReplayedOrder } from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  contracts,
  createDecoder,
  type EventBatch,
  type EventDecoder,
  type FraudLabelBatch,
  KeyDictionary,
  type OrderBatch,
  type PaymentBatch,
  RECORD_PADDING,
  utf8Decoder,
} from "../../schema/index.ts";
import { createShopEvents, SHOP_DEFAULTS, type ShopOptions, type ShopTruth } from "../../stream/index.ts";

const DECODE_ROWS = 4096;

export interface GeneratedOrders {
  readonly truth: ShopTruth;
  /** Orders of planted rings. */
  readonly planted: ReadonlySet<string>;
  /** What the shop's labels said, and when. */
  readonly verdicts: ReadonlyMap<string, OrderVerdict>;
  /** Event time at which it ended. */
  readonly endMs: number;
}

/**
 * Runs a generated shop through the fold of fraud's features, without a log and a lake.
 *
 * @param shop `minutes` of event time; `chunkRecords`: records that arrive together, and so how far topics
 *   are ahead of one another
 */
export function replayGeneratedOrders(
  shop: Partial<ShopOptions> & { readonly minutes: number; readonly chunkRecords: number },
  partitions: number,
  onOrder: (order: ReplayedOrder) => void,
): GeneratedOrders {
  const events = createShopEvents(shop, () => partitions);
  const tasks = Array.from({ length: partitions }, () => new PartitionFold(onOrder));
  const endMs = (shop.startTime ?? SHOP_DEFAULTS.startTime) + shop.minutes * 60_000;
  for (;;) {
    const batches = events.until(endMs, shop.chunkRecords);
    if (batches === null) break;
    for (const batch of batches) tasks[batch.partition].append(batch);
  }
  const truth = events.truth();
  const verdicts = new Map(tasks.flatMap((task) => [...task.verdicts]));
  return { truth, planted: new Set(truth.fraudRings.flatMap(({ orderIds }) => orderIds)), verdicts, endMs };
}

interface Appended {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
}

class PartitionFold {
  readonly verdicts = new Map<string, OrderVerdict>();
  private readonly keys: FeatureKeys = {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
  private readonly replay: OrderReplay;
  private readonly decoders = new Map<string, EventDecoder<EventBatch>>();
  private readonly offsets = new Map<string, number>();

  constructor(onOrder: (order: ReplayedOrder) => void) {
    this.replay = new OrderReplay(this.keys, onOrder);
  }

  append({ topic, partition, bytes, starts, ends, count }: Appended): void {
    const contract = contracts.find((one) => one.topic === topic);
    if (contract === undefined || !(topic in this.folds)) return;
    let decoder = this.decoders.get(topic);
    if (decoder === undefined) {
      decoder = createDecoder(contract, {
        keys: { ...this.keys },
        capacity: DECODE_ROWS,
        futureSkewMs: null,
      });
      this.decoders.set(topic, decoder);
    }
    const baseOffset = this.offsets.get(topic) ?? 0;
    this.offsets.set(topic, baseOffset + count);
    const padded = Buffer.concat([bytes, Buffer.alloc(RECORD_PADDING)]);
    const place = { topic, partition, baseOffset, count, bytes: padded, starts, ends };
    const records = { ...place, ingestedAt: 0, sequence: 0, control: "data" as const };
    for (let from = 0; from < count; from += DECODE_ROWS) {
      this.folds[topic](decoder.decode(records, from, Math.min(count, from + DECODE_ROWS)));
    }
  }

  private readonly folds: Readonly<Record<string, (batch: EventBatch) => void>> = {
    "customer-events": (batch) => this.replay.foldEvents(batch as CustomerEventBatch, 0, batch.length),
    orders: (batch) => this.replay.foldOrders(batch as OrderBatch, 0, batch.length),
    payments: (batch) => this.replay.foldPayments(batch as PaymentBatch, 0, batch.length),
    "fraud-labels": (batch) => this.foldLabels(batch as FraudLabelBatch),
  };

  private foldLabels(batch: FraudLabelBatch): void {
    const { orderId, isFraud, labelTime } = batch;
    for (let row = 0; row < batch.length; row++) {
      const id = utf8Decoder.decode(orderId.bytes.subarray(orderId.start[row], orderId.end[row]));
      this.verdicts.set(id, { isFraud: isFraud.values[row] === 1, knownMs: labelTime.values[row] });
    }
    this.replay.foldLabels(batch, 0, batch.length);
  }
}
