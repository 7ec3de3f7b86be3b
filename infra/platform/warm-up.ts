import { RECORD_PADDING, type RecordBatch } from "../../schema/index.ts";
import {
  type AppendBatch,
  createShopEvents,
  finishFile,
  Outbox,
  type Pipeline,
  type Scheduling,
  SHOP_DEFAULTS,
  StateImageReader,
  StateImageWriter,
} from "../../stream/index.ts";
import { eventsTaskId, INSIGHTS_TASK, PANE_TOPIC } from "./topics.ts";

export interface WarmUpDeps {
  /** Of a platform with one partition; nothing that these pipelines send goes anywhere. */
  readonly createPipeline: (taskId: string, outbox: Outbox) => Pipeline;
  readonly scheduling: Pick<Scheduling, "after">;
  /** Looked at between two steps: whoever waits for the thread does not wait for the rest. */
  readonly isOver: () => boolean;
}

/** Later than what the shop's customers do, which is else refused as being of the future. */
const INGESTED_AT = SHOP_DEFAULTS.startTime + 86_400_000;
/** Behind so many customer events the runtime has compiled what a task runs. */
const EVENTS = 40_000;
/** Nearly seven minutes of event time, so that windows close. */
const EVENTS_PER_SECOND = 100;
/** Records of one step, some 10 ms, and of the batches in it: small and large ones are different work. */
const STEP_RECORDS = 500;
const BATCH_RECORDS = [10, 250];
/** Pause behind each step: the tasks of other threads need the cores. */
const PAUSE_MS = 20;
/** Steps between two cuts, and users whose hot values a step writes. */
const STEPS_A_CUT = 25;
const HOT_KEYS = 32;

/**
 * Runs a generated shop through pipelines that nobody sees, with cuts and a restore as in a takeover, so that the
 * runtime compiles what tasks run. A thread that is given the tasks of a dead worker while it is cold processes a
 * quarter of what a warm one does, for seconds.
 */
export async function warmUp({ createPipeline, scheduling, isOver }: WarmUpDeps): Promise<void> {
  const shop = createShopEvents({ eventsPerSecond: EVENTS_PER_SECOND, customerEventsMax: EVENTS }, () => 1);
  let stage = new Stages(createPipeline);
  for (let step = 1; !isOver(); step++) {
    const batches = shop.until(Number.POSITIVE_INFINITY, STEP_RECORDS);
    if (batches === null) return;
    const batchRecords = BATCH_RECORDS[step % BATCH_RECORDS.length];
    for (const batch of batches) for (const part of partsOf(batch, batchRecords)) stage.process(part);
    await stage.flush();
    if (step % STEPS_A_CUT === 0) stage = stage.restored(createPipeline);
    await new Promise<void>((resolve) => void scheduling.after(PAUSE_MS, resolve));
  }
}

/** A task of events and the second stage behind it. */
class Stages {
  private readonly first: Pipeline;
  private readonly second: Pipeline;
  private readonly outbox: Outbox;
  private panes: AppendBatch[] = [];

  constructor(createPipeline: WarmUpDeps["createPipeline"]) {
    this.outbox = new Outbox({
      log: {
        append: async (batches) => {
          this.panes.push(...batches);
          return { appended: true, baseOffsets: batches.map(() => 0) };
        },
      },
      hotStore: { putMany: async () => undefined },
      alertBus: { publish: async () => undefined },
      taskId: eventsTaskId(0),
      paneTopic: PANE_TOPIC,
    });
    this.first = createPipeline(eventsTaskId(0), this.outbox);
    this.second = createPipeline(INSIGHTS_TASK, this.outbox);
  }

  process(records: RecordBatch): void {
    for (const input of this.first.inputs) {
      if (input.topic === records.topic && input.partition === records.partition) input.process(records);
    }
    this.first.emitSome();
  }

  async flush(): Promise<void> {
    await this.outbox.flushUrgent();
    for (const panes of this.panes)
      for (const part of partsOf(panes, panes.count)) this.second.inputs[0].process(part);
    this.panes = [];
    for (const pipeline of [this.first, this.second]) pipeline.flushHot(this.outbox, HOT_KEYS);
    await this.outbox.flush();
  }

  /** Cuts both as a checkpoint does; others go on from what it holds. */
  restored(createPipeline: WarmUpDeps["createPipeline"]): Stages {
    const next = new Stages(createPipeline);
    restore(this.first, next.first);
    restore(this.second, next.second);
    return next;
  }
}

function restore(from: Pipeline, to: Pipeline): void {
  from.flushRows();
  for (const sink of from.sinks) for (const file of sink.drain(0)) finishFile(file);
  const parts = new StateImageWriter(from.sections).capture("full");
  const reader = new StateImageReader(to.sections);
  reader.begin(parts[parts.length - 1]);
  for (const part of parts) reader.apply(part);
  reader.finish();
  to.afterRestore();
}

/** The batch as a reader gives it, in parts of at most so many records: all of them on the same padded bytes. */
function* partsOf(batch: AppendBatch, recordsMax: number): Generator<RecordBatch> {
  const { topic, partition, starts, ends } = batch;
  const bytes = new Uint8Array(batch.bytes.length + RECORD_PADDING);
  bytes.set(batch.bytes);
  for (let from = 0; from < batch.count; from += recordsMax) {
    const to = Math.min(batch.count, from + recordsMax);
    yield {
      topic,
      partition,
      baseOffset: from,
      count: to - from,
      bytes,
      starts: starts.subarray(from, to),
      ends: ends.subarray(from, to),
      ingestedAt: INGESTED_AT,
      sequence: 0,
      control: "data",
    };
  }
}
