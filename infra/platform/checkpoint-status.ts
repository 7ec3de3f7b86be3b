import type {
  Checkpoint,
  CheckpointStore,
  EventLog,
  PipelineStatus,
  TaskStatus,
} from "../../stream/index.ts";

export interface CheckpointStatusDeps {
  readonly log: EventLog;
  readonly checkpoints: CheckpointStore;
  /** Under which the workers commit their offsets. */
  readonly group: string;
  /** What each task reads: a checkpoint names it, but the first is yet to come. */
  readonly inputs: ReadonlyMap<string, readonly TaskInput[]>;
  /** Tasks that a live worker has now. */
  readonly ownedTasks: () => Promise<ReadonlySet<string>>;
  /** Ms since the epoch. */
  readonly clock: () => number;
}

export interface TaskInput {
  readonly topic: string;
  readonly partition: number;
  /** Another task keeps this partition: as of {@link PipelineInput.readsAlong}. */
  readonly readsAlong?: boolean;
}

/** Tasks of which nothing was learnt for longer are told as `unknown`; several refreshes may fail before. */
export const STATUS_AGE_MS_MAX = 10_000;

type Offsets = Awaited<ReturnType<EventLog["offsets"]>>;

/**
 * How far tasks of other processes have come, by what they leave for everyone to read: their newest
 * checkpoints, and the ends of the log. So it tells what has reached the lake, not what is in memory.
 */
export class CheckpointStatus implements PipelineStatus {
  private readonly deps: CheckpointStatusDeps;
  private statuses: readonly TaskStatus[];
  /** Of the last refresh that succeeded; of the start before the first. */
  private refreshedAt: number;

  constructor(deps: CheckpointStatusDeps) {
    this.deps = deps;
    this.refreshedAt = deps.clock();
    this.statuses = [...deps.inputs.keys()].map((taskId) => statusOf(taskId, null, [], "starting"));
  }

  /** As of the last {@link refresh} that succeeded; `unknown` where that is longer ago than {@link STATUS_AGE_MS_MAX}. */
  tasks(): readonly TaskStatus[] {
    if (this.statusAgeMs() <= STATUS_AGE_MS_MAX) return this.statuses;
    return this.statuses.map((status) => ({ ...status, state: "unknown" }));
  }

  statusAgeMs(): number {
    return Math.max(0, this.deps.clock() - this.refreshedAt);
  }

  async refresh(): Promise<void> {
    const owned = await this.deps.ownedTasks();
    const offsets = new Map<string, Promise<Offsets>>();
    const tasks = [...this.deps.inputs];
    this.statuses = await Promise.all(
      tasks.map(([taskId, inputs]) => this.read(taskId, inputs, owned.has(taskId), offsets)),
    );
    this.refreshedAt = this.deps.clock();
  }

  private async read(
    taskId: string,
    reads: readonly TaskInput[],
    owned: boolean,
    offsets: Map<string, Promise<Offsets>>,
  ): Promise<TaskStatus> {
    const checkpoint = await this.deps.checkpoints.newest(taskId);
    const inputs = await Promise.all(
      reads.map(async (input) => {
        const { topic, partition } = input;
        const key = `${topic}/${partition}`;
        const asked = offsets.get(key) ?? this.deps.log.offsets(topic, partition);
        offsets.set(key, asked);
        const { begin, end } = await asked;
        const saved = checkpoint?.inputs.find((i) => i.topic === topic && i.partition === partition);
        const known = saved?.offset ?? begin;
        const position = end > known ? Math.max(known, await this.passed(taskId, input)) : known;
        const endOffset = Math.max(position, end);
        return { topic, partition, position, endOffset, lag: endOffset - position };
      }),
    );
    return statusOf(taskId, checkpoint, inputs, owned ? "running" : "recovering");
  }

  /**
   * How far the task has told the log that it is. Where it passed what is no record, such as the end of a
   * transaction that a dead producer had left open, that is further than any checkpoint: none is due then.
   */
  private async passed(taskId: string, { topic, partition, readsAlong = false }: TaskInput): Promise<number> {
    const { log, group } = this.deps;
    return (await log.committedOffset(readsAlong ? `${group}/${taskId}` : group, topic, partition)) ?? 0;
  }
}

const NO_EVENTS: TaskStatus["events"] = { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 };

function statusOf(
  taskId: string,
  checkpoint: Checkpoint | null,
  inputs: TaskStatus["inputs"],
  state: TaskStatus["state"],
): TaskStatus {
  const lostRecords = checkpoint?.lostRecords ?? 0;
  return {
    taskId,
    state,
    error: null,
    inputs,
    watermarkMs: checkpoint?.watermarkMs ?? null,
    epoch: checkpoint?.epoch ?? 0,
    checkpointedAt: checkpoint?.createdAt ?? null,
    ...(lostRecords > 0 && { lostRecords }),
    events: checkpoint?.events ?? NO_EVENTS,
    models: checkpoint?.models ?? [],
  };
}
