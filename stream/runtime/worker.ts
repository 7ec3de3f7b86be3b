import type { LakePublisher, ObjectStore } from "../../lakehouse/index.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { HotStore } from "../ports/hot-store.ts";
import { OUTBOX_ITEMS_MAX } from "../sinks/outbox.ts";
import { stageFiles } from "../sinks/table-sink.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint-store.ts";
import { finishFiles } from "./finish-files.ts";
import { HotKeeper } from "./hot-keeper.ts";
import { OffsetCommits } from "./offset-commits.ts";
import { allEnded, openTasks } from "./open-tasks.ts";
import { lookAfterPauses, OWNERSHIP_PAUSE_MS } from "./ownership.ts";
import type { Scheduling } from "./scheduling.ts";
import { Silences } from "./silences.ts";
import type { StageClock } from "./stage-clock.ts";
import { stateBytesBySection } from "./state-bytes.ts";
import type { TaskStatus } from "./status.ts";
import type { Task, TaskCut } from "./task.ts";
import type { WorkReport, WorkTally } from "./work-tally.ts";
import type { WorkerConfig } from "./worker-config.ts";

export interface WorkerDeps {
  readonly log: EventLog;
  readonly hotStore: HotStore;
  readonly objects: ObjectStore;
  readonly checkpoints: CheckpointStore;
  readonly publisher: LakePublisher;
  readonly clock: () => number;
  readonly scheduling: Scheduling;
  readonly stageClock: StageClock;
  readonly tally: WorkTally;
  /** Called at each named point of the checkpoint protocol: crash tests kill the process there. */
  readonly onPoint: (point: string) => void;
  /** Hears of what failed and nothing waits for. */
  readonly warn: (message: string) => void;
}

/** Time that a worker may compute before it lets timers and I/O run. */
const SLICE_MS = 4;
/** The same while there is a backlog: each slice with alerts costs a disk sync. */
const SLICE_BACKLOG_MS = 50;
/** Records that waited longer than this in the log are a backlog, unless the slice came to their end. */
const BACKLOG_LAG_MS = 1000;
const WAIT_MS_MAX = 200;
/** Between two parts of an image that are packed where nobody waits for it: together they take a second of a core. */
const PACKING_REST_MS = 15;
/** Time that a worker rests wherever it finds no record while it gives way: what comes meanwhile goes together. */
const GIVE_WAY_MS = 50;

/** A cut whose image is in the object store, under that key. */
interface StagedCut {
  readonly task: Task;
  readonly cut: Omit<TaskCut, "image">;
  readonly image: string;
}

/** Runs tasks on one thread: reads, processes, and checkpoints all of them together. */
export class Worker {
  private readonly tasks: readonly Task[];
  private readonly config: WorkerConfig;
  private readonly deps: WorkerDeps;
  private stopping = false;
  private lastCutAt = 0;
  private lastHotAt = 0;
  private lastTurnAt = 0;
  /** Whether the last slice left records behind, and those that it processed had waited for long. */
  private hasBacklog = false;
  /** Whether hot values may have changed since their last round began: times alone do not tell within one ms. */
  private hotChanged = false;
  /** Whether a round of hot values is being written, and whether the next holds some that the store had lost. */
  private hotRound = false;
  private hotLost = false;
  /** By task: its silence. The second stage's reading what others tell it does not end theirs. */
  private readonly silences: Silences;
  /** What earlier turns sent: hot values wait until it is written; the next records do not. */
  private ahead: { readonly written: Promise<void>; isWritten: boolean } | null = null;
  private readonly hotKeeper: HotKeeper;
  private checkpointing: Promise<void> | null = null;
  /** Settled once the checkpoint that is under way has cut every task. */
  private cutting: Promise<unknown> | null = null;
  private readonly offsets: OffsetCommits;
  private failure: unknown = null;
  /** Until then it leaves the processor to others of its process. */
  private givesWayUntil = 0;
  private onCaughtUp: (() => void) | null = null;
  private drains: { readonly ends: readonly Checkpoint["inputs"][number][]; readonly done: () => void }[] =
    [];

  constructor(tasks: readonly Task[], config: WorkerConfig, deps: WorkerDeps) {
    this.tasks = tasks;
    this.config = config;
    this.deps = deps;
    const allWritten = () => Promise.all(tasks.map(({ outbox }) => outbox.flush()));
    this.offsets = new OffsetCommits(deps.log, config.consumerGroup);
    this.hotKeeper = new HotKeeper({ hotStore: deps.hotStore, tasks, allWritten });
    this.silences = new Silences(config.idleAfterMs, tasks.length);
  }

  /** Opens the tasks as {@link openTasks} says; `onStep` hears of each step that is done. */
  async open(onStep: (step: string) => void = () => undefined): Promise<void> {
    const { clock } = this.deps;
    const restored = await openTasks(this.tasks, { ...this.deps, hotKeeper: this.hotKeeper, onStep });
    for (const task of this.tasks) this.offsets.beginAt(task);
    // Who waits for these offsets from another process must not wait for the next record to come.
    this.inBackground(Promise.all(restored.map(({ task }) => this.offsets.commit(task, task.inputs()))));
    this.lastCutAt = this.lastHotAt = this.lastTurnAt = clock();
  }

  /** Runs until {@link stop}; rejects when a task fails or is fenced. */
  async run(): Promise<void> {
    const { clock } = this.deps;
    try {
      while (!this.stopping) {
        const foundRecords = this.workSlice();
        await this.requireOwnership();
        await this.afterSlice(foundRecords);
        this.throwFailure();
        this.tellCaughtUp();
        if (foundRecords) await this.deps.scheduling.nextTurn();
        else await this.idle(clock());
        this.deps.stageClock.lap("commits");
      }
      await this.checkpointNow();
    } catch (error) {
      // Also a task that failed within a batch: no checkpoint may cut it any more.
      this.failure ??= error;
      throw error;
    } finally {
      // Nothing of this worker may go on behind its caller's back: the next owner starts from here.
      await this.checkpointing;
      for (const task of this.tasks) task.close();
    }
  }

  /** Ends {@link run} after the current slice, with a last checkpoint. */
  stop(): void {
    this.stopping = true;
  }

  /** Calls back once, when no record has waited for long any more. */
  whenCaughtUp(callback: () => void): void {
    this.onCaughtUp = callback;
  }

  /**
   * Until that moment (0: no longer) it processes what has come in larger batches, of which each record costs half,
   * and begins no checkpoint: another worker of this process takes tasks up, for which events have waited for seconds.
   */
  giveWay(until: number): void {
    this.givesWayUntil = until;
  }

  /** Resolves when everything before the given ends is processed, checkpointed and published. */
  drained(ends: readonly Checkpoint["inputs"][number][]): Promise<void> {
    return new Promise((resolve) => {
      this.drains.push({ ends, done: resolve });
    });
  }

  status(ends: ReadonlyMap<string, number>, state: TaskStatus["state"]): TaskStatus[] {
    return this.tasks.map((task) => task.status(ends, state));
  }

  /** What was done since the last call. */
  takeWork(): WorkReport {
    for (const task of this.tasks) task.countRecords(this.deps.tally);
    return this.deps.tally.take();
  }

  /** Memory of the tasks' state, bytes by section. */
  stateBytes(): Record<string, number> {
    return stateBytesBySection(this.tasks.flatMap(({ pipeline }) => pipeline.sections));
  }

  /** Processes records for a slice of time; whether there were any. */
  private workSlice(): boolean {
    const { clock } = this.deps;
    const sliceBegun = clock();
    const end = sliceBegun + this.sliceMs();
    let foundRecords = false;
    let ingestedAt = Number.POSITIVE_INFINITY;
    for (;;) {
      let progress = false;
      for (const [i, task] of this.tasks.entries()) {
        // All of an append that is small: who waits for its last record does not wait for the other tasks' parts too.
        const begun = clock();
        while (task.step()) {
          // Nobody waits for those of a backlog: they go together, once a slice.
          if (!this.hasBacklog && task.outbox.hasAlerts) void this.observed(task.outbox.flushAlerts());
          this.silences.break(i);
          ingestedAt = Math.min(ingestedAt, task.ingestedAt);
          progress = true;
          if (clock() !== begun) break;
        }
      }
      // Where no record waits, rows that were put off.
      if (!progress && !this.tasks.some(({ pipeline }) => pipeline.emitSome())) break;
      foundRecords = true;
      // A clock that was set back would make the slice as long as the step.
      const now = clock();
      if (now >= end || now < sliceBegun) {
        this.hasBacklog = clock() - ingestedAt >= BACKLOG_LAG_MS;
        return true;
      }
    }
    this.hasBacklog = false;
    return foundRecords;
  }

  /**
   * A process that was paused may find its tasks with another owner: before it writes anything that no
   * conditional write guards (hot values), it looks.
   */
  private async requireOwnership(): Promise<void> {
    const { clock, checkpoints } = this.deps;
    const now = clock();
    const pausedMs = now - this.lastTurnAt;
    this.lastTurnAt = now;
    if (pausedMs < 0) this.beginAnew(now);
    if (pausedMs < OWNERSHIP_PAUSE_MS) return;
    // An epoch that is under way may be the other owner's by now: its own end tells.
    await this.checkpointing;
    this.throwFailure();
    for (const task of this.tasks) await checkpoints.requireNewest(task.taskId, task.epoch);
  }

  /** Where the clock was set back: what is due after a time would wait for as long as the step besides. */
  private beginAnew(now: number): void {
    this.lastCutAt = Math.min(this.lastCutAt, now);
    this.lastHotAt = Math.min(this.lastHotAt, now);
    this.givesWayUntil = Math.min(this.givesWayUntil, now);
    this.hotKeeper.clockWasSetBack(now);
  }

  private tellCaughtUp(): void {
    if (this.onCaughtUp === null || this.hasBacklog || this.tasks.some(({ isBehind }) => isBehind)) return;
    this.onCaughtUp();
    this.onCaughtUp = null;
  }

  private sliceMs(): number {
    return this.hasBacklog ? SLICE_BACKLOG_MS : SLICE_MS;
  }

  private async afterSlice(foundRecords: boolean): Promise<void> {
    const { clock, stageClock } = this.deps;
    const now = clock();
    if (this.hotKeeper.tick(now, this.hotRound || this.hotLost)) this.hotLost = true;
    if (foundRecords || this.hotLost) this.hotChanged = true;
    // The second stage's reading what others tell it does not end their silence.
    for (const i of this.silences.look(now, (task) => this.tasks[task].isBehind))
      this.tasks[i].pipeline.markIdle();
    for (const task of this.tasks) void this.observed(task.outbox.flushUrgent());
    const hotWaitMs = this.hasBacklog ? this.config.hotFlushBacklogMs : this.config.hotFlushMs;
    if (!this.hotRound && this.hotChanged && now - this.lastHotAt >= hotWaitMs) this.beginHotRound(now);
    // What is left goes on in a later turn, behind the records that came meanwhile.
    if (this.hotRound) this.hotRound = this.writeSomeHot();
    // Back-pressure: a task whose outputs are not taken stops reading.
    if (this.tasks.some((task) => task.outbox.pending > OUTBOX_ITEMS_MAX)) {
      await Promise.all(this.tasks.map((task) => this.flushOutbox(task)));
    }
    stageClock.lap("alerts and panes");
    await this.checkpointWhenDue(now);
  }

  private async checkpointWhenDue(now: number): Promise<void> {
    const records = this.tasks.reduce((sum, task) => sum + task.recordsSinceCut, 0);
    const { checkpointIntervalMs, checkpointBacklogIntervalMs } = this.config;
    const intervalMs = this.hasBacklog ? checkpointBacklogIntervalMs : checkpointIntervalMs;
    const due =
      (records > 0 && now - this.lastCutAt >= intervalMs && now >= this.givesWayUntil) ||
      records >= this.config.checkpointRecordsMax;
    if (due) {
      // One checkpoint at a time: the next epoch is processed meanwhile, and waits here when it is full.
      if (this.checkpointing !== null) {
        if (records < this.config.checkpointRecordsMax) return;
        if (this.cutting !== null) return void (await this.cutting);
        await this.checkpointing;
      }
      // An epoch behind one that failed must never be prepared: it would skip that one's files.
      this.throwFailure();
      this.startCheckpoint();
    }
    // After every slice: under a steady load none ever finds nothing.
    if (this.drains.length > 0) await this.settleDrains();
  }

  private beginHotRound(now: number): void {
    this.lastHotAt = now;
    this.hotRound = true;
    this.hotChanged = this.hotLost = false;
    for (const task of this.tasks) task.beginHotRound();
  }

  /**
   * Writes as many hot values of the round as a turn may; whether it goes on. Somebody waits for an
   * alert, which does not queue behind thousands of these, and a store that is slow is asked for one
   * turn's at a time.
   */
  private writeSomeHot(): boolean {
    this.ahead ??= this.sentSoFar();
    if (!this.ahead.isWritten) return true;
    this.ahead = null;
    let more = false;
    for (const task of this.tasks) more = task.flushHot() || more;
    for (const task of this.tasks) void this.flushOutbox(task);
    this.deps.stageClock.lap("hot store");
    return more;
  }

  private sentSoFar(): NonNullable<Worker["ahead"]> {
    const written = Promise.all(this.tasks.map((task) => this.flushOutbox(task))).then(() => {
      ahead.isWritten = true;
    });
    const ahead = { written, isWritten: false };
    return ahead;
  }

  private startCheckpoint(): void {
    const { clock, tally } = this.deps;
    this.lastCutAt = clock();
    const cutting = this.cutTasks().finally(() => {
      this.cutting = null;
    });
    this.cutting = cutting.catch(() => undefined);
    const committing = cutting.then((cuts) => this.commit(cuts));
    this.inBackground(tally.checkpoint(committing, clock));
  }

  /** What has to end before the next checkpoint begins; its failure is the worker's. */
  private inBackground(work: Promise<unknown>): void {
    this.checkpointing = work
      .then(
        () => undefined,
        (error: unknown) => {
          this.failure ??= error;
        },
      )
      .finally(() => {
        this.checkpointing = null;
      });
  }

  /**
   * Cuts one task after another: a cut computes for tens of milliseconds, and between two of them alerts
   * leave. Tasks need no common moment, each one's checkpoint is consistent by itself.
   */
  private async cutTasks(): Promise<StagedCut[]> {
    const cuts: StagedCut[] = [];
    for (const task of this.tasks) {
      if (task.recordsSinceCut === 0) continue;
      if (cuts.length > 0) await this.nextTurn();
      cuts.push(await this.cutTask(task));
    }
    return cuts;
  }

  /**
   * Cuts a task and stages its image before the next task is cut: the image is a copy of all state that
   * changed, and there is never more than one. A crash leaves an image that nothing refers to.
   */
  private async cutTask(task: Task): Promise<StagedCut> {
    const { stageClock, checkpoints } = this.deps;
    stageClock.lap("commits");
    // A backlog would change all of it again until the cut, and nobody waits for its alerts.
    const isFull = (): boolean => task.recordsSinceCut >= this.config.checkpointRecordsMax;
    while (!this.hasBacklog && !isFull() && task.workAhead()) await this.nextTurn();
    const { image, ...cut } = task.cut();
    stageClock.lap("files and state");
    const key = await checkpoints.stageImage(cut.taskId, cut.epoch, image, () => this.restFromPacking());
    return { task, cut, image: key };
  }

  /** Packing takes a core for milliseconds, one part after another. Records are processed in between. */
  private async restFromPacking(): Promise<void> {
    if (!this.hasBacklog && !this.stopping && this.drains.length === 0) await this.rest(PACKING_REST_MS);
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => void this.deps.scheduling.after(ms, resolve));
  }

  private async nextTurn(): Promise<void> {
    this.deps.stageClock.lap("files and state");
    await this.deps.scheduling.nextTurn();
    this.throwFailure();
  }

  /** The protocol of design section 3: stage, prepare (commit point), publish, commit offsets. Resolves to the number of cuts. */
  private async commit(cuts: readonly StagedCut[]): Promise<number> {
    const { checkpoints, publisher, onPoint, clock } = this.deps;
    onPoint("before-stage");
    const begunAt = clock();
    // Hot values follow, see requireOwnership().
    for (const { cut } of cuts) await checkpoints.requireNewest(cut.taskId, cut.epoch - 1);
    // Side by side: the store takes the hot values while this thread encodes files.
    const staging = this.stageAll(cuts);
    const writing = cuts.map(({ task, cut }) => {
      const look = () => checkpoints.requireNewest(cut.taskId, cut.epoch - 1);
      return task.writeHot(cut.hotWaiting, this.hasBacklog, lookAfterPauses(clock, look, begunAt));
    });
    await allEnded([staging, ...writing]);
    const prepared = await staging;
    onPoint("after-stage");
    for (const checkpoint of prepared) {
      onPoint("before-prepare");
      await checkpoints.prepare(checkpoint);
      onPoint("after-prepare");
    }
    await publisher.publish(prepared);
    onPoint("before-offset-commit");
    await Promise.all(cuts.map(({ task, cut }) => this.offsets.commit(task, cut.inputs)));
    onPoint("after-offset-commit");
    await checkpoints.collectAll(prepared, this.deps.warn);
    return cuts.length;
  }

  private async stageAll(cuts: readonly StagedCut[]): Promise<Checkpoint[]> {
    const staged: Checkpoint[] = [];
    for (const { task, cut, image } of cuts) {
      const { taskId, epoch, inputs, topicIds, lostRecords, watermarkMs, events, models } = cut;
      const files = await stageFiles(
        this.deps.objects,
        await finishFiles(cut.files, { ...this.deps, sliceMs: () => this.sliceMs() }),
      );
      const stateImages = [...cut.imagesBefore, image];
      const [createdAt, published] = [this.deps.clock(), task.published()];
      const input = { inputs, topicIds, lostRecords };
      const state = { stateImages, published, createdAt, watermarkMs, events, models };
      staged.push({ taskId, epoch, ...input, files, ...state });
      task.noteChain(stateImages, createdAt);
      task.noteFiles({ epoch, files });
    }
    return staged;
  }

  /** A checkpoint of everything processed so far, complete when it resolves. */
  private async checkpointNow(): Promise<void> {
    if (this.checkpointing !== null) await this.checkpointing;
    this.throwFailure();
    this.startCheckpoint();
    await this.checkpointing;
    this.throwFailure();
  }

  private async settleDrains(): Promise<void> {
    const reached = this.drains.filter(({ ends }) => this.isBehind(ends));
    if (reached.length === 0) return;
    await this.checkpointNow();
    this.drains = this.drains.filter((drain) => !reached.includes(drain));
    for (const { done } of reached) done();
  }

  private isBehind(ends: readonly Checkpoint["inputs"][number][]): boolean {
    const positions = this.tasks.flatMap((task) => task.inputs());
    return positions.every((at) => {
      const end = ends.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
      return end === undefined || at.offset >= end.offset;
    });
  }

  private async idle(now: number): Promise<void> {
    if (this.checkpointing === null)
      for (const task of this.tasks) void this.observed(this.offsets.commitPassed(task));
    if (now < this.givesWayUntil) return this.rest(GIVE_WAY_MS);
    const waits = this.tasks.map((task) => task.wait(WAIT_MS_MAX));
    if (!this.hotRound && !this.hotChanged) {
      await Promise.race(waits);
      return;
    }
    if (this.ahead?.isWritten === false) {
      await Promise.race([...waits, this.ahead.written]);
      return;
    }
    // Hot values that the last records changed are still to be written; those of a round at once.
    const waitMs = this.hotRound ? 0 : Math.max(0, this.config.hotFlushMs - (now - this.lastHotAt));
    const { promise: hotDue, resolve } = Promise.withResolvers<void>();
    const callOff = this.deps.scheduling.after(waitMs, resolve);
    await Promise.race([...waits, hotDue]);
    callOff();
  }

  private flushOutbox(task: Task): Promise<void> {
    return this.observed(task.outbox.flush());
  }

  /** The same write, with its failure noted as the worker's. */
  private observed(write: Promise<void>): Promise<void> {
    return write.catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  private throwFailure(): void {
    if (this.failure !== null) throw this.failure;
  }
}
