import type { RecordBatch } from "../../schema/index.ts";
import type { EventLog, LogReader } from "../ports/event-log.ts";
import type { Outbox } from "../sinks/outbox.ts";
import type { DetachedFile } from "../sinks/table-sink.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint-store.ts";
import { type LostInput, openInput } from "./open-input.ts";
import type { Pipeline, PipelineInput } from "./pipeline.ts";
import { RestoredState } from "./restored-state.ts";
import { StateImageWriter } from "./state-image.ts";
import type { TaskStatus } from "./status.ts";
import type { WorkTally } from "./work-tally.ts";

interface StepLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Most records and bytes of one read: the batch that flows through the columns. */
export const READ_LIMITS: StepLimits = { recordsMax: 4096, bytesMax: 2 << 20 };
/** The same for small batches that are joined: some milliseconds in which nothing else is processed. */
const JOIN_LIMITS: StepLimits = { recordsMax: 1024, bytesMax: 1 << 18 };
/** Hot values of one of a worker's turns: half a millisecond in which no record is processed, or one where many wait. */
const HOT_KEYS_A_TURN = 32;
const HOT_KEYS_A_TURN_MAX = 64;
/** Least of them that {@link Task.writeHot} hands over at a time, which each task of a worker does in the same turn. */
const HOT_KEYS_AT_A_CUT = 64;
/** Turns that a round or a cut is divided into, within these bounds: a busy worker has few, and a checkpoint waits. */
const HOT_TURNS = 16;
/** The same in a backlog, where nobody waits for the next records: fewer commits are cheaper. */
const HOT_KEYS_AT_A_CUT_BACKLOG = 8_192;
/** Deltas in a chain before the next image is a full one. */
const DELTAS_MAX = 20;
/** And their bytes, as a share of the full image's: whoever restores the task reads both. */
const DELTA_BYTES_SHARE_MAX = 0.5;

/** Without a setting: nothing is left out without somebody's decision. */
const STOP_WHERE_LOST: LostInput = { action: "stop", onSkipped: () => undefined };

/** A consistent cut of a task: everything that its next checkpoint holds, not yet uploaded. */
export interface TaskCut {
  readonly taskId: string;
  readonly epoch: number;
  readonly inputs: Checkpoint["inputs"];
  readonly topicIds: Readonly<Record<string, string>>;
  readonly lostRecords: number;
  readonly files: readonly DetachedFile[];
  /** Keys whose hot values are to be written before the checkpoint; see {@link Task.writeHot}. */
  readonly hotWaiting: number;
  /** Parts of the state's image. */
  readonly image: readonly Uint8Array[];
  /** Images to apply before this one; empty for a full image. */
  readonly imagesBefore: readonly string[];
  readonly watermarkMs: number | null;
  readonly events: Checkpoint["events"];
  readonly models: Checkpoint["models"];
}

interface OpenInput {
  readonly input: PipelineInput;
  readonly reader: LogReader;
  /** Of one read, and of one join. */
  readonly limits: { readonly read: StepLimits; readonly join: StepLimits };
  /** Read and not yet processed; the reader's position is then behind it. */
  pending: RecordBatch | null;
  position: number;
  /** Records that were processed since {@link Task.countRecords}. */
  uncounted: number;
  /** The wait that is under way: an input that stays silent has one, however often others wake the task. */
  waiting: Promise<void> | null;
}

/** One partition of every co-partitioned topic: state, position and epochs. */
export class Task {
  readonly pipeline: Pipeline;
  readonly outbox: Outbox;
  epoch = 0;
  /** Records processed since the last cut. */
  recordsSinceCut = 0;
  /** When the log took the batch that was processed last, ms. */
  ingestedAt = 0;
  checkpointedAt: number | null = null;
  private readonly lostInput: LostInput;
  private topicIds: Record<string, string> = {};
  /** Since the task first began. */
  private lostRecords = 0;
  private readonly images: StateImageWriter;
  private readonly restored: RestoredState;
  /** The image that the next cut completes, once it is begun. */
  private begun: { readonly kind: "full" | "delta"; readonly ahead: Uint8Array[] } | null = null;
  private opened: OpenInput[] = [];
  /** By table, the newest epoch that has files for it. */
  private readonly lastEpochs = new Map<string, number>();
  private chain: string[] = [];
  private chainBytes = { full: 0, deltas: 0 };
  /** Of the round of hot values that is under way: keys left, keys a turn, whether records came since it began. */
  private hotDue = 0;
  private hotDueAtOnce = 0;
  private processedInRound = false;
  /** Whether hot values that waited at a cut are still to be written. */
  private hotOfCut = false;

  constructor(pipeline: Pipeline, outbox: Outbox, lostInput: LostInput = STOP_WHERE_LOST) {
    this.pipeline = pipeline;
    this.outbox = outbox;
    this.lostInput = lostInput;
    this.images = new StateImageWriter(pipeline.sections);
    this.restored = new RestoredState(pipeline.sections);
  }

  get taskId(): string {
    return this.pipeline.taskId;
  }

  /** The newest checkpoint: what {@link restore} and {@link claim} go on from, side by side. */
  async find(checkpoints: CheckpointStore): Promise<Checkpoint | null> {
    const checkpoint = await checkpoints.newest(this.taskId);
    this.epoch = checkpoint?.epoch ?? 0;
    for (const [table, epoch] of Object.entries(checkpoint?.published ?? {}))
      this.lastEpochs.set(table, epoch);
    if (checkpoint !== null) this.noteFiles(checkpoint);
    return checkpoint;
  }

  /**
   * Brings the state to the newest checkpoint of the worker that runs the task; {@link restore} has the less to do then.
   * Resolves to whether there is one; rejects as {@link RestoredState.bringTo}.
   */
  async keepUp(checkpoints: CheckpointStore, rest: () => Promise<void>): Promise<boolean> {
    const checkpoint = await checkpoints.newest(this.taskId);
    if (checkpoint !== null) await this.restored.bringTo(checkpoints, checkpoint, rest);
    return checkpoint !== null;
  }

  /** Restores the state of the checkpoint, and opens the inputs behind it. */
  async restore(log: EventLog, checkpoints: CheckpointStore, checkpoint: Checkpoint | null): Promise<void> {
    // Side by side: while the state comes from the object store, the log is asked, and fetches ahead.
    const [inputs] = await Promise.all([
      this.openInputs(log, checkpoint),
      checkpoint === null ? null : this.restoreState(checkpoints, checkpoint),
    ]);
    this.pipeline.afterRestore();
    this.opened = inputs;
  }

  private async restoreState(checkpoints: CheckpointStore, checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.stateImages.length === 0) return;
    await this.restored.bringTo(checkpoints, checkpoint);
    this.restored.finish();
    // Who takes the tasks of a dead worker up has no time for a full image.
    this.images.goOn();
    this.chain = [...checkpoint.stateImages];
    this.chainBytes = this.restored.bytes;
  }

  /** All at once: a partition is some requests to the log, and a task has a dozen of them. */
  private async openInputs(log: EventLog, checkpoint: Checkpoint | null): Promise<OpenInput[]> {
    this.lostRecords = checkpoint?.lostRecords ?? 0;
    return Promise.all(
      this.pipeline.inputs.map(async (input) => {
        const { reader, position, topicId, lost } = await openInput(input, checkpoint, log, this.lostInput);
        if (topicId !== null) this.topicIds[input.topic] = topicId;
        this.lostRecords += lost;
        const limits = limitsOf(input);
        return { input, reader, limits, pending: null, position, uncounted: 0, waiting: null };
      }),
    );
  }

  /**
   * Takes the next epoch with what the checkpoint holds (null: with inputs that are open already): no
   * earlier owner can prepare it any more. Rejects with code `task-fenced` where another has taken it. A
   * crash behind it leaves a checkpoint like the one before, without files.
   */
  async claim(checkpoints: CheckpointStore, checkpoint: Checkpoint | null, nowMs: number): Promise<void> {
    this.epoch += 1;
    await checkpoints.prepare({
      taskId: this.taskId,
      epoch: this.epoch,
      inputs: checkpoint?.inputs ?? this.inputs(),
      // Of the topics that the offsets are of: nothing was read from these yet.
      topicIds: checkpoint === null ? this.topicIds : (checkpoint.topicIds ?? {}),
      lostRecords: checkpoint?.lostRecords ?? this.lostRecords,
      files: [],
      stateImages: checkpoint?.stateImages ?? [],
      published: this.published(),
      createdAt: nowMs,
      watermarkMs: checkpoint?.watermarkMs ?? null,
      events: checkpoint?.events ?? this.pipeline.counters(),
    });
  }

  /** Processes one batch; false where no input has any. */
  step(): boolean {
    const next = this.nextInput();
    if (next === null || next.pending === null) return false;
    const records = this.withFollowing(next.pending, next);
    next.input.process(records);
    next.pending = null;
    next.position = records.baseOffset + records.count;
    next.uncounted += records.count;
    this.recordsSinceCut += records.count;
    this.processedInRound = true;
    this.ingestedAt = records.ingestedAt;
    return true;
  }

  /** Adds the records that were processed since the last call, by their topics. */
  countRecords(tally: WorkTally): void {
    for (const opened of this.opened) {
      tally.add("records", [opened.input.topic], opened.uncounted);
      opened.uncounted = 0;
    }
  }

  /** Whether the log has, or may have, records of an input that have not come yet. */
  get isBehind(): boolean {
    return this.opened.some(isAwaited);
  }

  /** Whether the input partition is another task's, and only read along. */
  readsAlong(topic: string, partition: number): boolean {
    return this.pipeline.inputs.some(
      (input) => input.readsAlong === true && input.topic === topic && input.partition === partition,
    );
  }

  /** Next offsets to process; they also pass what is no record, such as the ends of Kafka's transactions. */
  inputs(): Checkpoint["inputs"] {
    return this.opened.map(({ input, reader, pending, position }) => ({
      topic: input.topic,
      partition: input.partition,
      offset: pending === null ? Math.max(position, reader.position) : position,
    }));
  }

  /** @param ends the ends of the log's partitions by `topic/partition`, where they are known */
  status(ends: ReadonlyMap<string, number>, state: TaskStatus["state"]): TaskStatus {
    return {
      taskId: this.taskId,
      state,
      error: null,
      inputs: this.inputs().map(({ topic, partition, offset }) => {
        const endOffset = Math.max(offset, ends.get(`${topic}/${partition}`) ?? offset);
        return { topic, partition, position: offset, endOffset, lag: endOffset - offset };
      }),
      watermarkMs: this.pipeline.watermarkMs(),
      epoch: this.epoch,
      checkpointedAt: this.checkpointedAt,
      ...(this.lostRecords > 0 && { lostRecords: this.lostRecords }),
      events: this.pipeline.counters(),
      models: this.pipeline.models?.() ?? [],
    };
  }

  /** Resolves when an input may have records, or after the time-out. */
  async wait(timeoutMs: number): Promise<void> {
    const awaited = this.opened.filter(isAwaited);
    await Promise.race(
      (awaited.length > 0 ? awaited : this.opened).map((input) => {
        input.waiting ??= input.reader.wait(timeoutMs).finally(() => {
          input.waiting = null;
        });
        return input.waiting;
      }),
    );
  }

  /**
   * Begins a round of hot values, those that wait now: each is written once in it, however often it changes
   * meanwhile, in the order in which the store keeps them, unless a cut counts on the order in which they changed.
   */
  beginHotRound(): void {
    this.hotDue = this.pipeline.hotWaiting();
    this.hotDueAtOnce = aTurnsShare(this.hotDue, HOT_KEYS_A_TURN, HOT_KEYS_A_TURN_MAX);
    this.processedInRound = false;
    if (!this.hotOfCut) this.pipeline.arrangeHot?.(this.hotDue);
  }

  /** Moves a turn's hot values of the round to the outbox; whether it goes on. */
  flushHot(): boolean {
    const keys = Math.min(this.hotDue, this.hotDueAtOnce);
    const more = this.pipeline.flushHot(this.outbox, keys);
    this.hotDue -= keys;
    // What the pipeline puts off as long as records come.
    return this.hotDue > 0 || (more && !this.processedInRound);
  }

  /**
   * Does a millisecond or two of the next cut's work ahead of it; whether there is more. What records change
   * behind it is done again.
   */
  workAhead(): boolean {
    if (this.begun === null) {
      if (this.pipeline.flushSomeRows()) return true;
      this.begun = this.beginImage();
    }
    const part = this.images.copyAhead();
    if (part === null) return false;
    this.begun.ahead.push(part);
    return true;
  }

  /** Cuts the task between two batches. The cut's files and image are the only copy: upload or fail. */
  cut(): TaskCut {
    this.pipeline.flushRows();
    this.epoch += 1;
    this.recordsSinceCut = 0;
    this.hotOfCut = true;
    const files = this.pipeline.sinks.flatMap((sink) => sink.drain(this.epoch));
    const { kind, ahead } = this.begun ?? this.beginImage();
    this.begun = null;
    const image = [...ahead, ...this.images.finish()];
    const bytes = image.reduce((sum, part) => sum + part.length, 0);
    this.chainBytes =
      kind === "full"
        ? { full: bytes, deltas: 0 }
        : { full: this.chainBytes.full, deltas: this.chainBytes.deltas + bytes };
    const imagesBefore = kind === "full" ? [] : [...this.chain];
    return {
      taskId: this.taskId,
      epoch: this.epoch,
      inputs: this.inputs(),
      topicIds: this.topicIds,
      lostRecords: this.lostRecords,
      files,
      hotWaiting: this.pipeline.hotWaiting(),
      image,
      imagesBefore,
      watermarkMs: this.pipeline.watermarkMs(),
      events: this.pipeline.counters(),
      models: this.pipeline.models?.() ?? [],
    };
  }

  private beginImage(): NonNullable<Task["begun"]> {
    const full =
      this.chain.length === 0 ||
      this.chain.length > DELTAS_MAX ||
      this.chainBytes.deltas > this.chainBytes.full * DELTA_BYTES_SHARE_MAX;
    const kind = full ? "full" : "delta";
    this.images.begin(kind);
    return { kind, ahead: [] };
  }

  /**
   * Writes the hot values that waited at a cut, and what else waits. A round at a time, where a
   * million users would be gigabytes: records are processed meanwhile, and what they change stands behind. While
   * the store takes one, the next is made.
   *
   * @param look called before each round; rejects where another owner has the task
   */
  async writeHot(waiting: number, hasBacklog: boolean, look: () => Promise<void>): Promise<void> {
    await look();
    const most = HOT_KEYS_AT_A_CUT_BACKLOG;
    const keys = hasBacklog ? most : aTurnsShare(waiting, HOT_KEYS_AT_A_CUT, most);
    // A round counts on the order in which they changed, as the cut does.
    if (waiting > keys && this.hotDue === 0) this.pipeline.arrangeHot?.(waiting);
    let before: Promise<void> = Promise.resolve();
    for (let left = waiting; left > 0; left -= keys) {
      this.pipeline.flushHot(this.outbox, keys);
      const written = this.outbox.flush();
      // Whatever fails it fails the last flush too.
      written.catch(() => undefined);
      await before;
      before = written;
      await look();
    }
    this.hotOfCut = false;
    await this.outbox.flush();
  }

  /** What its tables have to hold before the next epoch is prepared; see {@link Checkpoint.published}. */
  published(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.lastEpochs);
  }

  /** Notes for which tables an epoch has files, once its checkpoint is made. */
  noteFiles({ epoch, files }: Pick<Checkpoint, "epoch" | "files">): void {
    for (const { table } of files) this.lastEpochs.set(table, epoch);
  }

  /** Notes the chain of images that the newest prepared checkpoint names. */
  noteChain(stateImages: readonly string[], checkpointedAt: number): void {
    this.chain = [...stateImages];
    this.checkpointedAt = checkpointedAt;
  }

  /** Closes the readers; the positions stay for a last status. */
  close(): void {
    for (const { reader } of this.opened) reader.close();
  }

  /**
   * The input whose next batch the log took first, so that the order over topics is the log's and a
   * replay repeats it: what an input lacks was taken later than all that the log was seen to hold. None
   * where an input's records are still on their way from the log.
   */
  private nextInput(): OpenInput | null {
    const first = this.fill() ?? this.lookAndFill();
    return first === null || this.opened.some(isAwaited) ? null : first;
  }

  private lookAndFill(): OpenInput | null {
    const [{ reader }] = this.opened;
    if (reader.look === undefined) return null;
    reader.look();
    return this.fill();
  }

  /** With what follows it before any other input's next batch: the order is that of steps one by one. */
  private withFollowing(pending: RecordBatch, { limits, reader }: OpenInput): RecordBatch {
    if (reader.readOn === undefined) return pending;
    let sequenceBelow = Number.POSITIVE_INFINITY;
    for (const { pending: other } of this.opened)
      if (other !== null && other !== pending) sequenceBelow = Math.min(sequenceBelow, other.sequence);
    return reader.readOn(pending, { ...limits.join, sequenceBelow });
  }

  private fill(): OpenInput | null {
    let first: OpenInput | null = null;
    for (const input of this.opened) {
      input.pending ??= input.reader.read(input.limits.read);
      if (input.pending === null) continue;
      if (first === null || input.pending.sequence < (first.pending as RecordBatch).sequence) first = input;
    }
    return first;
  }
}

function limitsOf({ bytesMax = Number.POSITIVE_INFINITY }: PipelineInput): OpenInput["limits"] {
  const within = (limits: StepLimits): StepLimits => ({
    ...limits,
    bytesMax: Math.min(limits.bytesMax, bytesMax),
  });
  return { read: within(READ_LIMITS), join: within(JOIN_LIMITS) };
}

/** The log has records for the input that have not come yet: what others have may be later. */
function isAwaited({ pending, reader }: OpenInput): boolean {
  return pending === null && reader.isBehind === true;
}

/** Hot values of a turn, of so many, within the bounds. */
function aTurnsShare(keys: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(keys / HOT_TURNS)));
}
