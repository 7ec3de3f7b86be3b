import type { QueryEngine } from "../../lakehouse/index.ts";
import {
  customerEventContract,
  type EventBatch,
  type EventContract,
  fraudLabelContract,
  goldFraudScores,
  KeyDictionary,
  MillraceError,
  orderContract,
  paymentContract,
  tableName,
} from "../../schema/index.ts";
import {
  LABEL_FIELDS,
  type LabelRows,
  ORDER_FIELDS,
  type OrderRows,
  PAYMENT_FIELDS,
  type PaymentRows,
  SHOPPER_EVENT_FIELDS,
  type ShopperEventBatch,
} from "../features/index.ts";
import { readBronzeRange } from "./bronze-reader.ts";
import { OrderReplay, type ReplayedOrder } from "./order-replay.ts";
import type { OrderVerdict } from "./order-samples.ts";

export interface BronzeOrdersOptions {
  readonly engine: QueryEngine;
  /** Log offsets of one query: bounds the memory. */
  readonly offsetsPerRead?: number;
  readonly onOrder: (order: ReplayedOrder) => void;
  readonly onProgress?: (message: string) => void;
}

/** Scored orders of one query. */
const SCORES_PER_READ = 20_000;

/**
 * Replays the orders that the stream scored, partition by partition, each behind the same events,
 * payments and labels as then: `gold.fraud_scores` says up to which offset of each topic its past
 * reached. Returns how many there were. Rejects with code `dataset-unusable` where there are none.
 */
export async function replayBronzeOrders(options: BronzeOrdersOptions): Promise<number> {
  const { engine } = options;
  const table = tableName(goldFraudScores);
  if ((await engine.snapshot(goldFraudScores)) === null) throw noOrders();
  const { rows } = await engine.query(`SELECT DISTINCT _partition AS p FROM {${table}} ORDER BY p`, []);
  let orders = 0;
  for (const { p } of rows) orders += await replayPartition(options, Number(p));
  if (orders === 0) throw noOrders();
  return orders;
}

/** The newest verdict on each order. */
export async function readVerdicts(engine: QueryEngine): Promise<Map<string, OrderVerdict>> {
  const verdicts = new Map<string, OrderVerdict>();
  const { rows } = await engine.query(
    `SELECT order_id, is_fraud, label_time FROM {bronze.fraud_labels} ORDER BY _partition, _offset`,
    [],
  );
  for (const { order_id, is_fraud, label_time } of rows) {
    const knownMs = label_time instanceof Date ? label_time.getTime() : Number(label_time);
    verdicts.set(String(order_id), { isFraud: is_fraud === true, knownMs });
  }
  return verdicts;
}

async function replayPartition(options: BronzeOrdersOptions, partition: number): Promise<number> {
  const { engine, onProgress } = options;
  const dictionaries = new Map(
    ["userId", "productId", "categoryId"].map((name) => [name, new KeyDictionary(name)] as const),
  );
  const key = (name: string): KeyDictionary => dictionaries.get(name) as KeyDictionary;
  const keys = { userId: key("userId"), productId: key("productId"), categoryId: key("categoryId") };
  let wanted = -1;
  const replay = new OrderReplay(keys, (order) => {
    if (order.offset === wanted) options.onOrder(order);
  });
  const topic = (contract: EventContract, fields: readonly string[], fold: Fold): TopicCursor =>
    new TopicCursor({ ...options, contract, fields, dictionaries, partition }, fold);
  const events = topic(customerEventContract, SHOPPER_EVENT_FIELDS, (batch, from, to) =>
    replay.foldEvents(batch as ShopperEventBatch, from, to),
  );
  const orders = topic(orderContract, ORDER_FIELDS, (batch, from, to) =>
    replay.foldOrders(batch as OrderRows, from, to),
  );
  const payments = topic(paymentContract, PAYMENT_FIELDS, (batch, from, to) =>
    replay.foldPayments(batch as PaymentRows, from, to),
  );
  const labels = topic(fraudLabelContract, LABEL_FIELDS, (batch, from, to) =>
    replay.foldLabels(batch as LabelRows, from, to),
  );
  let count = 0;
  for (let after = -1; ; ) {
    const { rows } = await engine.query(SCORES_SQL, [partition, after]);
    for (const row of rows) {
      wanted = Number(row._offset);
      await orders.advance(wanted);
      await events.advance(Number(row._events_offset));
      await payments.advance(Number(row._payments_offset));
      await labels.advance(Number(row._labels_offset));
      await orders.advance(wanted + 1);
    }
    count += rows.length;
    onProgress?.(`partition ${partition}: ${count} orders replayed`);
    if (rows.length < SCORES_PER_READ) return count;
    after = wanted;
  }
}

const SCORES_SQL = `SELECT _offset, _events_offset, _payments_offset, _labels_offset
  FROM {${tableName(goldFraudScores)}} WHERE _partition = $1 AND _offset > $2
  ORDER BY _offset LIMIT ${SCORES_PER_READ}`;

type Fold = (batch: EventBatch, from: number, to: number) => void;

/** Folds one topic of a partition from the start of its bronze up to where it is asked to. */
class TopicCursor {
  private readonly options: Pick<BronzeOrdersOptions, "engine" | "offsetsPerRead"> & {
    readonly contract: EventContract;
    readonly fields: readonly string[];
    readonly dictionaries: ReadonlyMap<string, KeyDictionary>;
    readonly partition: number;
  };
  private readonly fold: Fold;
  private batch: EventBatch | null = null;
  private row = 0;
  /** Offsets below it are read. */
  private readTo = 0;
  private position = 0;

  constructor(options: TopicCursor["options"], fold: Fold) {
    this.options = options;
    this.fold = fold;
  }

  /** Folds what lies below `offset`. */
  async advance(offset: number): Promise<void> {
    while (this.position < offset) {
      if (this.batch === null || this.row === this.batch.length) {
        if (this.readTo >= offset) break;
        await this.read();
        continue;
      }
      const { batch } = this;
      let to = this.row;
      while (to < batch.length && batch.offset[to] < offset) to++;
      if (to === this.row) break;
      this.fold(batch, this.row, to);
      this.row = to;
    }
    this.position = Math.max(this.position, offset);
  }

  /** Reads the next range. */
  private async read(): Promise<void> {
    const { contract, offsetsPerRead = 50_000 } = this.options;
    const from = this.readTo;
    this.readTo = from + offsetsPerRead;
    const duplicates = contract === customerEventContract ? "silver" : "unflagged";
    this.batch = await readBronzeRange({ ...this.options, from, to: this.readTo, duplicates });
    this.row = 0;
  }
}

function noOrders(): MillraceError {
  return new MillraceError(
    "no orders were scored yet, so there is nothing to train on: run `millrace replay` or `npm start` first",
    { code: "dataset-unusable", origin: "user" },
  );
}
