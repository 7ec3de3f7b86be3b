import { MillraceError } from "../../schema/index.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import type { Task } from "./task.ts";

export interface StandbyTasksDeps {
  readonly createTask: (taskId: string) => Task;
  readonly checkpoints: CheckpointStore;
  /** Waited for behind each part of an image: the tasks that run need the cores. */
  readonly rest: () => Promise<void>;
  /** It has the state of a checkpoint of all tasks that it follows now. */
  readonly onReady: (taskIds: readonly string[]) => void;
  /** State of a task cannot be kept up for now, in a way that is new. */
  readonly onProblem: (taskId: string, message: string) => void;
}

interface Standby {
  readonly task: Task;
  isReady: boolean;
  problem: string | null;
}

/**
 * Tasks that other workers run, with their state kept up from the others' checkpoints (standby replicas, as Kafka
 * Streams calls them): whoever takes one up has read all but the newest images already. They own nothing, write
 * nothing and read no input, so that any number of workers may keep replicas of one task.
 */
export class StandbyTasks {
  private readonly deps: StandbyTasksDeps;
  private readonly standbys = new Map<string, Standby>();
  /** Whether it was told of these tasks that they are ready. */
  private isTold = false;

  constructor(deps: StandbyTasksDeps) {
    this.deps = deps;
  }

  /** From now on these tasks, and no others. */
  follow(taskIds: readonly string[]): void {
    this.isTold = false;
    for (const taskId of this.standbys.keys()) if (!taskIds.includes(taskId)) this.standbys.delete(taskId);
    for (const taskId of taskIds) {
      if (this.standbys.has(taskId)) continue;
      this.standbys.set(taskId, { task: this.deps.createTask(taskId), isReady: false, problem: null });
    }
  }

  /** Brings each task to its newest checkpoint, one after another until it is over. Never rejects. */
  async keepUp(isOver: () => boolean): Promise<void> {
    for (const [taskId, standby] of [...this.standbys]) {
      if (isOver()) return;
      if (this.standbys.get(taskId) === standby) await this.bringUp(taskId, standby);
    }
    const all = [...this.standbys];
    if (this.isTold || all.length === 0 || all.some(([, { isReady }]) => !isReady)) return;
    this.isTold = true;
    this.deps.onReady(all.map(([taskId]) => taskId));
  }

  /** The task, for whoever {@link keepUp} does not run beside; null where it is not one of these. */
  take(taskId: string): Task | null {
    const standby = this.standbys.get(taskId);
    this.standbys.delete(taskId);
    return standby?.task ?? null;
  }

  private async bringUp(taskId: string, standby: Standby): Promise<void> {
    const { checkpoints, rest, onProblem } = this.deps;
    try {
      standby.isReady = await standby.task.keepUp(checkpoints, rest);
      standby.problem = null;
    } catch (error) {
      // Its owner has collected the image meanwhile: there are newer ones.
      if (error instanceof MillraceError && error.code === "object-not-found") return;
      const message = error instanceof Error ? error.message : String(error);
      if (message !== standby.problem) onProblem(taskId, message);
      standby.problem = message;
    }
  }
}
