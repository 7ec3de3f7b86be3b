import type { HotStore } from "../ports/hot-store.ts";
import { hotBatchOf } from "../sinks/hot-batch-writer.ts";
import type { Task } from "./task.ts";

/** Namespace of the markers; key: task id. */
export const HOT_MARKERS = "task-markers";

/** Time between two looks at the markers: so long, at most, nobody notices that the values are gone. */
const LOOK_EVERY_MS = 5_000;
/** Longer than any value lives: a marker goes where values go, and not by itself. */
const MARKER_TTL_MS = 10 * 365 * 86_400_000;
const WHOLE = "whole";
const REWRITING = "rewriting";

export interface HotKeeperOptions {
  readonly hotStore: HotStore;
  readonly tasks: readonly Task[];
  /** Resolves when all that the tasks have sent to the hot store is in it. */
  readonly allWritten: () => Promise<unknown>;
}

/**
 * Brings hot values back that the hot store has lost: a Redis that was restarted without persistence, or
 * flushed. Beside its values each task keeps a marker that says they are whole; where that is missing, the
 * task writes them again out of its state, a part at a time, behind what is new.
 *
 * A crash in the middle, or another loss, leaves a marker that says that it is not done, or none: whoever
 * has the task then begins again. What is in no state does not come back: see infra/decisions/0014.
 */
export class HotKeeper {
  private readonly options: HotKeeperOptions;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private busy = false;
  /** Tasks that write theirs again, each with its next part. */
  private readonly rewriting = new Map<Task, { part: number; hasMore: boolean }>();

  constructor(options: HotKeeperOptions) {
    this.options = options;
  }

  /**
   * Says of tasks that begin, and have written nothing yet, that their values are whole. To be awaited
   * before their first checkpoint: with one and without a marker, a task has lost what it wrote.
   */
  begin(tasks: readonly Task[]): Promise<void> {
    return this.put(tasks, WHOLE);
  }

  /**
   * To be called every turn; whether tasks have marked values that are to be written. It marks none while
   * others wait (`hasWaiting`), so that a million users never wait at once.
   */
  tick(nowMs: number, hasWaiting: boolean): boolean {
    if (this.busy || hasWaiting) return false;
    if (this.rewriting.size > 0) {
      if (this.markNext()) return true;
      this.inBackground(this.finish());
    } else if (nowMs - this.lookedAt >= LOOK_EVERY_MS) {
      this.lookedAt = nowMs;
      this.inBackground(this.look());
    }
    return false;
  }

  /** Else nobody would look for as long as the step was. */
  clockWasSetBack(nowMs: number): void {
    this.lookedAt = Math.min(this.lookedAt, nowMs);
  }

  private markNext(): boolean {
    let marked = false;
    for (const [task, state] of this.rewriting) {
      if (!state.hasMore) continue;
      state.hasMore = task.pipeline.markHot(state.part++);
      marked = true;
    }
    return marked;
  }

  private async look(): Promise<void> {
    const { hotStore, tasks } = this.options;
    const markers = await hotStore.getMany(
      HOT_MARKERS,
      tasks.map(({ taskId }) => taskId),
    );
    const lost = tasks.filter((_, i) => markers[i] !== WHOLE);
    // Before the first value: a loss from now on takes it away.
    await this.put(lost, REWRITING);
    for (const task of lost) this.rewriting.set(task, { part: 0, hasMore: true });
  }

  private async finish(): Promise<void> {
    const { hotStore, allWritten } = this.options;
    await allWritten();
    const tasks = [...this.rewriting.keys()];
    const markers = await hotStore.getMany(
      HOT_MARKERS,
      tasks.map(({ taskId }) => taskId),
    );
    this.rewriting.clear();
    // Without a marker, values went in the meantime: the next look finds it missing.
    await this.put(
      tasks.filter((_, i) => markers[i] !== null),
      WHOLE,
    );
  }

  private async put(tasks: readonly Task[], marker: string): Promise<void> {
    if (tasks.length === 0) return;
    const entries = Object.fromEntries(tasks.map(({ taskId }) => [taskId, marker]));
    await this.options.hotStore.putMany(hotBatchOf(HOT_MARKERS, entries, MARKER_TTL_MS));
  }

  /** A hot store that does not answer is told of where values are written; the next look tries again. */
  private inBackground(work: Promise<void>): void {
    this.busy = true;
    work
      .catch(() => this.rewriting.clear())
      .finally(() => {
        this.busy = false;
      });
  }
}
