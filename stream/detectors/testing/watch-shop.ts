import {
  contracts,
  createDecoder,
  type EventBatch,
  type EventDecoder,
  RECORD_PADDING,
  type Settings,
  type SettingValues,
} from "../../../schema/index.ts";
import { CollectedOutputs } from "../../operators/testing/drive.ts";
import type { AppendBatch } from "../../ports/event-log.ts";
import { createShopEvents } from "../../sources/generator/shop-events.ts";
import { SHOP_DEFAULTS, type ShopOptions, type ShopTruth } from "../../sources/generator/shop-options.ts";
import { defaultTimeConfig } from "../../time/index.ts";
import type { DetectorSpec } from "../detector.ts";
import { createTask, settingsOf } from "./run-detector.ts";

const TASK_ID = "events-0";
const CHUNK_RECORDS = 2_000;
const HOT_TTL_MS = 60_000;

export interface WatchShopOptions<S extends Settings> {
  /** By default those of the spec. */
  readonly settings?: Partial<SettingValues<S>>;
  readonly shop: Partial<ShopOptions>;
  /** Of event time. */
  readonly days: number;
  /** Sees the records as they come, in log order. */
  readonly onRecords?: (records: AppendBatch) => void;
}

/**
 * A detector over weeks of a generated shop: the generator's bytes, decoded and folded as one task and its
 * second stage do, without a log and a lake.
 */
export function watchShop<S extends Settings>(
  spec: DetectorSpec<S>,
  { settings, shop, days, onRecords }: WatchShopOptions<S>,
): { readonly outputs: CollectedOutputs; readonly truth: ShopTruth } {
  const outputs = new CollectedOutputs();
  const time = defaultTimeConfig;
  const values = settingsOf(spec, { ...(settings && { settings }) });
  const combiner = spec.combine?.(values, { outputs, sourceTasks: [TASK_ID], time, hotTtlMs: HOT_TTL_MS });
  const sendBlock = (bytes: Uint8Array): void => combiner?.fold(bytes, 0, bytes.length);
  const task = createTask(spec, values, { taskId: TASK_ID, time, sendBlock, offsets: new Map() });
  const inputs = new Map(contracts.map((contract) => [contract.topic, new Input(contract, task.keys)]));
  const events = createShopEvents(shop, () => 1);
  const endMs = (shop.startTime ?? SHOP_DEFAULTS.startTime) + days * 86_400_000;
  for (;;) {
    const batches = events.until(endMs, CHUNK_RECORDS);
    if (batches === null) break;
    for (const records of batches) {
      onRecords?.(records);
      for (const batch of inputs.get(records.topic)!.decode(records)) task.foldBatch(batch);
    }
  }
  task.end();
  task.emitSome();
  combiner?.emitSome?.(Number.POSITIVE_INFINITY);
  return { outputs, truth: events.truth() };
}

/** The records of a topic, decoded. */
class Input {
  private readonly decoder: EventDecoder<EventBatch>;
  private nextOffset = 0;

  constructor(contract: (typeof contracts)[number], keys: ReturnType<typeof createTask>["keys"]) {
    this.decoder = createDecoder(contract, {
      keys: { ...keys },
      capacity: CHUNK_RECORDS,
      futureSkewMs: null,
    });
  }

  /** Each batch is valid until the next. */
  *decode({ topic, partition, count, bytes, starts, ends }: AppendBatch): IterableIterator<EventBatch> {
    const padded = Buffer.concat([bytes, Buffer.alloc(RECORD_PADDING)]);
    const records = {
      ...{ topic, partition, count, starts, ends, bytes: padded, baseOffset: this.nextOffset },
      ...{ ingestedAt: 0, sequence: 0, control: "data" as const },
    };
    this.nextOffset += count;
    for (let from = 0; from < count; from += CHUNK_RECORDS)
      yield this.decoder.decode(records, from, Math.min(count, from + CHUNK_RECORDS));
  }
}
