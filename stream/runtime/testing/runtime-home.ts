import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDbQueryEngine, FileCatalog, LocalObjectStore } from "../../../lakehouse/adapters/index.ts";
import { createLakePublisher, type LakePublisher } from "../../../lakehouse/index.ts";
import { defineTable, type RecordBatch, StateSection } from "../../../schema/index.ts";
import { LmdbEventLog, LmdbHotStore, LogAlertBus } from "../../adapters/index.ts";
import { TaskOutputs } from "../../pipelines/task-outputs.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import { Outbox } from "../../sinks/outbox.ts";
import { CheckpointStore } from "../checkpoint-store.ts";
import type { LostInput } from "../open-input.ts";
import type { Pipeline } from "../pipeline.ts";
import { eventLoopScheduling } from "../scheduling.ts";
import { noStageClock } from "../stage-clock.ts";
import { Task } from "../task.ts";
import { WorkTally } from "../work-tally.ts";
import { Worker, type WorkerDeps } from "../worker.ts";
import type { WorkerConfig } from "../worker-config.ts";

export const TOPICS = ["first", "second"] as const;
export type Topic = (typeof TOPICS)[number];
const PANE_TOPIC = "panes";
/** A number whose record makes the task emit an alert. */
const ALERT_EVERY = 10;
const DIGEST_MODULUS = 1_000_003;
const DAY_MS = 86_400_000;

/** One row per record; `digest` depends on every record before it and on their order. */
export const probeTable = defineTable({
  namespace: "gold",
  name: "order_probe",
  doc: "What a task saw, in the order in which it saw it.",
  partitionByDayOf: "event_time",
  key: ["position"],
  columns: [
    ["position", "long", "required", "Records before this one."],
    ["event_time", "timestamptz", "required", "A day for every hundred values."],
    ["topic", "string", "required", "Where it came from."],
    ["value", "long", "required", "The number in the record."],
    ["digest", "long", "required", "Fold of all numbers so far."],
  ],
});

export interface ProbeRow {
  readonly position: number;
  readonly topic: string;
  readonly value: number;
  readonly digest: number;
}

/** What a task writes that sees these records in this order. */
export function probeRows(records: readonly (readonly [topic: string, value: number])[]): ProbeRow[] {
  let digest = 0;
  return records.map(([topic, value], position) => {
    digest = fold(digest, topic, value);
    return { position, topic, value, digest };
  });
}

export const quickConfig: WorkerConfig = {
  checkpointIntervalMs: 1000,
  checkpointBacklogIntervalMs: 1000,
  checkpointRecordsMax: 1_000_000,
  hotFlushMs: 10,
  hotFlushBacklogMs: 10,
  idleAfterMs: 500,
  consumerGroup: "test",
};

export const NEVER_MS = 1e9;
/** No checkpoint but by drains and by stop. */
export const quiet = {
  checkpointIntervalMs: NEVER_MS,
  checkpointRecordsMax: NEVER_MS,
  idleAfterMs: NEVER_MS,
} satisfies Partial<WorkerConfig>;

export async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

export interface TestWorkerOptions {
  readonly config?: Partial<WorkerConfig>;
  readonly deps?: Partial<WorkerDeps>;
  readonly nonce?: string;
  readonly taskIds?: readonly string[];
  readonly lostInput?: LostInput;
  /** Instead of probes under these ids. */
  readonly tasks?: readonly Task[];
  /** What a task's outbox writes to, where it is not the home's own. */
  readonly outbox?: Partial<ConstructorParameters<typeof Outbox>[0]>;
}

/** A home folder with the real embedded adapters, for tests of the runtime. */
export class RuntimeHome {
  readonly log: LmdbEventLog;
  readonly hotStore: LmdbHotStore;
  readonly alertBus: LogAlertBus;
  readonly objects: LocalObjectStore;
  readonly catalog: FileCatalog;
  /** Time of clocks that tests move. */
  nowMs = 1_000_000;
  private readonly path: string;

  private constructor(path: string) {
    this.path = path;
    this.log = new LmdbEventLog({ path: join(path, "log"), clock: () => this.nowMs, mapBytes: 2 ** 30 });
    this.hotStore = new LmdbHotStore({ path: join(path, "hot"), clock: () => this.nowMs, mapBytes: 2 ** 30 });
    this.alertBus = new LogAlertBus(this.log);
    this.objects = new LocalObjectStore(path);
    this.catalog = new FileCatalog({ objectStore: this.objects, clock: () => this.nowMs });
  }

  static async open(): Promise<RuntimeHome> {
    const home = new RuntimeHome(await mkdtemp(join(tmpdir(), "millrace-runtime-")));
    await home.log.createTopics(
      [...TOPICS, PANE_TOPIC, "alerts"].map((name) => ({
        name,
        partitions: 1,
        retentionMs: null,
        retentionBytes: null,
      })),
    );
    return home;
  }

  async remove(): Promise<void> {
    await this.alertBus.close();
    await this.hotStore.close();
    await this.log.close();
    await rm(this.path, { recursive: true, force: true });
  }

  /** Appends one chunk of records. */
  async append(topic: Topic, values: readonly number[]): Promise<void> {
    const texts = values.map((value) => Buffer.from(String(value)));
    const ends = Int32Array.from(
      texts,
      (
        (at) => (text) =>
          (at += text.length)
      )(0),
    );
    const starts = Int32Array.from(texts, (text, i) => ends[i] - text.length);
    const bytes = Buffer.concat(texts);
    await this.log.append([{ topic, partition: 0, count: values.length, bytes, starts, ends }]);
  }

  publisher(onPoint: (point: string) => void = () => undefined): LakePublisher {
    return createLakePublisher({
      catalog: this.catalog,
      objectStore: this.objects,
      tables: [probeTable],
      clock: () => this.nowMs,
      onPoint,
      sleep: () => Promise.resolve(),
      random: () => 0.5,
    });
  }

  createTask(taskId = "probe", options: TestWorkerOptions = {}): Task {
    const { log, hotStore, alertBus } = this;
    const outbox = new Outbox({ log, hotStore, alertBus, taskId, paneTopic: PANE_TOPIC, ...options.outbox });
    return new Task(createProbePipeline(taskId, options.nonce ?? "n", outbox), outbox, options.lostInput);
  }

  /** The probe's newest epoch behind the one with which its first worker claimed it. */
  async newestEpoch(): Promise<number> {
    return ((await this.checkpoints().newest("probe"))?.epoch ?? 0) - 1;
  }

  createWorker(options: TestWorkerOptions = {}): {
    readonly worker: Worker;
    readonly tasks: readonly Task[];
  } {
    const { log, objects } = this;
    const tasks =
      options.tasks ?? (options.taskIds ?? ["probe"]).map((taskId) => this.createTask(taskId, options));
    const worker = new Worker(
      tasks,
      { ...quickConfig, ...options.config },
      {
        log,
        hotStore: this.hotStore,
        objects,
        checkpoints: this.checkpoints(options.nonce),
        publisher: this.publisher(options.deps?.onPoint),
        clock: () => this.nowMs,
        scheduling: eventLoopScheduling,
        stageClock: noStageClock,
        tally: new WorkTally(),
        onPoint: () => undefined,
        warn: () => undefined,
        ...options.deps,
      },
    );
    return { worker, tasks };
  }

  checkpoints(nonce = "n"): CheckpointStore {
    return new CheckpointStore(this.objects, nonce);
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.objects.list(prefix)) keys.push(key);
    return keys;
  }

  /** The rows of the probe table that are published, by position; repeats stay. */
  async published(): Promise<readonly ProbeRow[]> {
    if ((await this.catalog.load("gold.order_probe")) === null) return [];
    const engine = new DuckDbQueryEngine({ catalog: this.catalog, objectStore: this.objects });
    try {
      const { rows } = await engine.query(
        "SELECT position, topic, value, digest FROM {gold.order_probe} ORDER BY position, topic",
        [],
      );
      return rows as unknown as ProbeRow[];
    } finally {
      await engine.close();
    }
  }

  /** Numbers of the alerts that are in the bus, in its order. */
  async alerts(): Promise<number[]> {
    const reader = await this.log.reader("alerts", 0, 0);
    const numbers: number[] = [];
    for (let batch = reader.read(READ_ALL); batch !== null; batch = reader.read(READ_ALL)) {
      for (let i = 0; i < batch.count; i++) {
        const text = Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])).toString();
        numbers.push(Number((JSON.parse(text) as Alert).figures.value));
      }
    }
    reader.close();
    return numbers;
  }

  ends(): Promise<{ topic: string; partition: number; offset: number }[]> {
    return Promise.all(
      TOPICS.map(async (topic) => ({
        topic,
        partition: 0,
        offset: (await this.log.offsets(topic, 0)).end,
      })),
    );
  }
}

const READ_ALL = { recordsMax: 4096, bytesMax: 1 << 24 };

function fold(digest: number, topic: string, value: number): number {
  return (digest * 31 + value * 2 + (topic === "second" ? 1 : 0)) % DIGEST_MODULUS;
}

/** Writes a row, and now and then an alert and a hot value, for each record of two topics. */
function createProbePipeline(taskId: string, nonce: string, outbox: Outbox): Pipeline {
  const outputs = new TaskOutputs(outbox, { taskId, nonce, fileBytesMax: 1 << 20 });
  const rows = outputs.openRows(probeTable);
  const out = {
    position: rows.float64("position"),
    eventTime: rows.float64("event_time"),
    topic: rows.text("topic"),
    value: rows.float64("value"),
    digest: rows.float64("digest"),
  };
  const section = new StateSection("probe");
  const state = section.float64("numbers");
  state.ensure(4);
  let hot: number | null = null;

  function take(topic: string, value: number): void {
    const position = state.values[0];
    state.values[0] = position + 1;
    state.values[1] = fold(state.values[1], topic, value);
    state.mark(0);
    const r = rows.next();
    out.position.values[r] = position;
    out.eventTime.values[r] = Math.floor(value / 100) * DAY_MS;
    rows.setText(out.topic, r, topic);
    out.value.values[r] = value;
    out.digest.values[r] = state.values[1];
    hot = value;
    state.values[2] = 1;
    state.values[3] = value;
    if (value % ALERT_EVERY === 0) outputs.emitAlert(probeAlert(topic, value));
  }

  function process(records: RecordBatch): void {
    for (let i = 0; i < records.count; i++) {
      const text = Buffer.from(records.bytes.subarray(records.starts[i], records.ends[i])).toString();
      if (text === "-1") throw new Error("the probe cannot stand -1");
      take(records.topic, Number(text));
    }
  }

  return {
    taskId,
    inputs: TOPICS.map((topic) => ({ topic, partition: 0, process })),
    sections: [section],
    get sinks() {
      return outputs.sinks;
    },
    afterRestore: () => undefined,
    emitSome: () => false,
    flushRows: () => outputs.flushRows(),
    flushSomeRows: () => outputs.flushSomeRows(),
    flushHot(outputs) {
      if (hot !== null) outputs.namespace("probe", 1e9).put("last", String(hot));
      hot = null;
      return false;
    },
    hotWaiting: () => 1,
    markHot() {
      hot = state.values[2] === 0 ? null : state.values[3];
      return false;
    },
    markIdle: () =>
      outbox.addPane({ stream: "probe", bytes: Buffer.from(`${taskId} is idle`), sequence: null }),
    counters: () => ({ processed: state.values[0], refused: 0, duplicates: 0, late: 0, tooLate: 0 }),
    watermarkMs: () => null,
  };
}

export function probeAlert(topic: string, value: number): Alert {
  return {
    id: `probe:${topic}:${value}`,
    revision: 1,
    status: "raised",
    kind: "probe",
    severity: "low",
    title: `saw ${value}`,
    userId: null,
    productId: null,
    orderId: null,
    eventTime: 0,
    windowStart: null,
    windowEnd: null,
    figures: { value },
  };
}
