import {
  contracts,
  customerEventContract,
  type EventBatch,
  type EventContract,
  type Settings,
  type SettingValues,
  type StateSection,
} from "../../../schema/index.ts";
import { createProductTable } from "../../operators/product-table.ts";
import { createSessionize, defaultSessionizeConfig } from "../../operators/sessionize.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  interleaveBlocks,
  type OutputRow,
  randomCuts,
} from "../../operators/testing/drive.ts";
import { createKeys, makeBatch, type PlainRow } from "../../operators/testing/make-batch.ts";
import { UserRecords } from "../../operators/user-records.ts";
import { TopicSteps } from "../../pipelines/topic-steps.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import { noStageClock } from "../../runtime/stage-clock.ts";
import { defaultTimeConfig, TaskTime, type TimeConfig } from "../../time/index.ts";
import type { DetectorSpec, DetectorTopic } from "../detector.ts";

/** A record of a test: its topic, and the fields of that topic's contract. */
export interface TopicRow {
  readonly topic: string;
  readonly row: PlainRow;
}

export interface DetectorRunOptions<S extends Settings> {
  /** By default those of the spec. */
  readonly settings?: Partial<SettingValues<S>>;
  readonly time?: TimeConfig;
  /** The records of each task, in log order over all topics. */
  readonly tasks: readonly (readonly TopicRow[])[];
  /** Cuts batches and blocks at random places, and restores from a checkpoint there; none runs straight. */
  readonly chance?: { readonly random: () => number; readonly restores: number };
  /** Whether the topics end; true by default. */
  readonly end?: boolean;
}

export interface DetectorResult {
  readonly rows: ReadonlyMap<string, readonly OutputRow[]>;
  readonly alerts: readonly Alert[];
  readonly hot: ReadonlyMap<string, string>;
}

const HOT_TTL_MS = 60_000;
const dedupe = { bucketMs: 600_000, horizonMs: 0 };

/** Collects over restores, which begin with outputs of their own. */
class Collected {
  readonly rows = new Map<string, OutputRow[]>();
  readonly alerts: Alert[] = [];
  readonly hot = new Map<string, string>();

  take(outputs: CollectedOutputs, hot: CollectedHot): void {
    for (const name of outputs.rows.keys())
      this.rows.set(name, [...(this.rows.get(name) ?? []), ...outputs.table(name)]);
    this.alerts.push(...outputs.alerts);
    for (const [key, value] of hot.values()) this.hot.set(key, value);
  }
}

/** Runs a detector's parts as the pipelines do: each task over its records, then the second stage over their blocks. */
export function runDetector<S extends Settings>(
  spec: DetectorSpec<S>,
  options: DetectorRunOptions<S>,
): DetectorResult {
  const collected = new Collected();
  const blocks = options.tasks.map((rows, i) =>
    runTask(spec, options, { taskId: `events-${i}`, rows }, collected),
  );
  if (spec.combine !== undefined) runCombiner(spec, options, blocks, collected);
  return collected;
}

/** The settings given, and the spec's defaults. */
export function settingsOf<S extends Settings>(
  spec: DetectorSpec<S>,
  { settings }: Pick<DetectorRunOptions<S>, "settings">,
): SettingValues<S> {
  const defaults = Object.entries(spec.settings).map(([key, setting]) => [key, setting.default]);
  return { ...Object.fromEntries(defaults), ...settings } as SettingValues<S>;
}

function runTask<S extends Settings>(
  spec: DetectorSpec<S>,
  options: DetectorRunOptions<S>,
  { taskId, rows }: { readonly taskId: string; readonly rows: readonly TopicRow[] },
  collected: Collected,
): Uint8Array[] {
  const { chance, end = true, time = defaultTimeConfig } = options;
  const blocks: Uint8Array[] = [];
  const offsets = new Map<string, number>();
  const sendBlock = (bytes: Uint8Array): void => void blocks.push(bytes);
  const create = () => createTask(spec, settingsOf(spec, options), { taskId, time, sendBlock, offsets });
  const cuts =
    chance === undefined ? [0, rows.length] : randomCuts(rows.length, chance.restores + 1, chance.random);
  let task = create();
  for (let i = 1; i < cuts.length; i++) {
    task.fold(rows, cuts[i - 1], cuts[i]);
    task.emitSome();
    if (i === cuts.length - 1) break;
    collected.take(task.outputs, task.flushedHot());
    const next = create();
    copyState(task.sections, next.sections);
    next.afterRestore();
    task = next;
  }
  if (end) task.end();
  else task.markIdle();
  task.emitSome();
  collected.take(task.outputs, task.flushedHot());
  return blocks;
}

/** A detector's part of a task, behind what the pipeline has in front of it. */
export function createTask<S extends Settings>(
  spec: DetectorSpec<S>,
  settings: SettingValues<S>,
  {
    taskId,
    time,
    sendBlock,
    offsets,
  }: {
    readonly taskId: string;
    readonly time: TimeConfig;
    readonly sendBlock: (bytes: Uint8Array) => void;
    /** Of the next record of each topic. */
    readonly offsets: Map<string, number>;
  },
) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const userRecords = new UserRecords(keys.userId, HOT_TTL_MS);
  const products = createProductTable({ keys });
  const sessionize = createSessionize(defaultSessionizeConfig, {
    keys,
    outputs: new CollectedOutputs(),
    time,
  });
  const detector = spec.create(settings, {
    keys,
    products,
    sessions: sessionize.sessions,
    outputs,
    userRecords,
    time,
    taskId,
    hotTtlMs: HOT_TTL_MS,
    sendBlock: (_stream, bytes) => sendBlock(bytes),
  });
  const topics = new Map<string, TopicSteps>();
  for (const contract of contracts) {
    const step = detector.steps[contract.topic as keyof typeof detector.steps];
    if (step === undefined) continue;
    const steps = (contract === customerEventContract ? [sessionize, step] : [step]) as never;
    topics.set(
      contract.topic,
      new TopicSteps({ contract, time, dedupe, steps, stageClock: noStageClock, onAdvance }),
    );
  }
  const taskTime = new TaskTime([...topics.values()].map(({ watermark }) => watermark));

  function onAdvance(): void {
    if (taskTime.advance()) detector.advanceTask?.(taskTime.nowMs);
  }

  function foldRows(topic: string, rows: readonly PlainRow[]): void {
    const contract = contracts.find((one) => one.topic === topic) as EventContract;
    const baseOffset = offsets.get(topic) ?? 0;
    offsets.set(topic, baseOffset + rows.length);
    foldBatch(makeBatch<EventBatch>(contract, rows, { keys, baseOffset }));
  }

  function foldBatch(batch: EventBatch): void {
    const { topic } = batch;
    detector.readsAlong?.[topic as DetectorTopic]?.(batch as never);
    if (topic === "products") products.fold(batch as never);
    else topics.get(topic)?.fold(batch);
  }

  const dictionaries = topics.get(customerEventContract.topic) ?? [...topics.values()][0];
  const sections: StateSection[] = [
    products.state,
    ...[...topics.values()].flatMap((topic) => topic.sections),
    ...(detector.sections ?? []),
  ];
  for (const dictionary of Object.values(keys)) dictionaries.dedupe.state.dictionary(dictionary);
  return {
    keys,
    outputs,
    sections,
    foldBatch,
    /** Folds rows [from, to), each run of one topic as a batch. */
    fold(rows: readonly TopicRow[], from: number, to: number): void {
      for (let at = from; at < to; ) {
        const { topic } = rows[at];
        let until = at;
        while (until < to && rows[until].topic === topic) until++;
        foldRows(
          topic,
          rows.slice(at, until).map(({ row }) => row),
        );
        at = until;
      }
    },
    /** All of what was put off, as in front of a cut. */
    emitSome(): void {
      for (const topic of topics.values()) topic.emitSome(Number.POSITIVE_INFINITY);
    },
    afterRestore(): void {
      for (const topic of topics.values()) topic.afterRestore();
    },
    end(): void {
      for (const topic of topics.values()) topic.endOfInput();
    },
    markIdle: () => detector.markIdle?.(),
    flushedHot(): CollectedHot {
      const hot = new CollectedHot();
      userRecords.flush(hot, Number.POSITIVE_INFINITY);
      detector.flushHot?.(hot, Number.POSITIVE_INFINITY);
      return hot;
    },
  };
}

function runCombiner<S extends Settings>(
  spec: DetectorSpec<S>,
  options: DetectorRunOptions<S>,
  tasks: readonly (readonly Uint8Array[])[],
  collected: Collected,
): void {
  const { chance, time = defaultTimeConfig } = options;
  const sourceTasks = tasks.map((_, i) => `events-${i}`);
  const blocks = chance === undefined ? tasks.flat() : interleaveBlocks(tasks, chance.random);
  const create = () => {
    const outputs = new CollectedOutputs();
    const deps = { outputs, sourceTasks, time, hotTtlMs: HOT_TTL_MS };
    const combiner = spec.combine!(settingsOf(spec, options), deps);
    return { outputs, combiner };
  };
  const cuts =
    chance === undefined ? [0, blocks.length] : randomCuts(blocks.length, chance.restores + 1, chance.random);
  let part = create();
  const take = (): void => {
    part.combiner.emitSome?.(Number.POSITIVE_INFINITY);
    const hot = new CollectedHot();
    part.combiner.flushHot?.(hot);
    collected.take(part.outputs, hot);
  };
  for (let i = 1; i < cuts.length; i++) {
    // Not at the beginning of the buffer, as in a log's batch, and gone with the next.
    for (const block of blocks.slice(cuts[i - 1], cuts[i])) {
      const shifted = Buffer.alloc(block.length + 3);
      shifted.set(block, 3);
      part.combiner.fold(shifted, 3, shifted.length);
      shifted.fill(0xff);
    }
    if (i === cuts.length - 1) break;
    take();
    const next = create();
    copyState([part.combiner.state], [next.combiner.state]);
    next.combiner.afterRestore?.();
    part = next;
  }
  take();
}
