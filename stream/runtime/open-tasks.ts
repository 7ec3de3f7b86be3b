import type { LakePublisher } from "../../lakehouse/index.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint-store.ts";
import type { HotKeeper } from "./hot-keeper.ts";
import type { Task } from "./task.ts";

export interface OpenTasksDeps {
  readonly log: EventLog;
  readonly checkpoints: CheckpointStore;
  readonly publisher: LakePublisher;
  readonly hotKeeper: HotKeeper;
  readonly clock: () => number;
  /** Hears of each step that is done. */
  readonly onStep: (step: string) => void;
}

interface Found {
  readonly task: Task;
  readonly checkpoint: Checkpoint;
}

/**
 * Restores every task, finishes the publishing that a crash cut short, and what stands behind it, and
 * claims the tasks: an earlier owner that only slept is fenced from then on. Returns those that had a
 * checkpoint.
 *
 * State comes from the object store while the tasks are published and claimed, which needs none of it:
 * whoever waits for the tasks of a dead worker waits for the longer of both.
 */
export async function openTasks(tasks: readonly Task[], deps: OpenTasksDeps): Promise<readonly Found[]> {
  const { log, checkpoints, publisher, hotKeeper, clock, onStep } = deps;
  const found: Found[] = [];
  const begun: Task[] = [];
  const checkpointOf = await Promise.all(tasks.map((task) => task.find(checkpoints)));
  for (const [i, task] of tasks.entries()) {
    const checkpoint = checkpointOf[i];
    if (checkpoint === null) begun.push(task);
    else found.push({ task, checkpoint });
  }
  onStep("checkpoints found");
  await allEnded([restore(), publishAndClaim()]);
  await hotKeeper.begin(begun);
  await Promise.all(begun.map((task) => task.claim(checkpoints, null, clock())));
  return found;

  async function restore(): Promise<void> {
    await Promise.all(tasks.map((task, i) => task.restore(log, checkpoints, checkpointOf[i])));
    onStep("state restored");
  }

  async function publishAndClaim(): Promise<void> {
    await publisher.publish(found.map(({ checkpoint }) => checkpoint));
    onStep("published");
    // Behind the publishing: a claim has no files, and recovery reads the newest checkpoint only.
    await Promise.all(found.map(({ task, checkpoint }) => task.claim(checkpoints, checkpoint, clock())));
    onStep("claimed");
  }
}

/** Rejects with the first failure, when nothing goes on any more behind its caller's back. */
export async function allEnded(works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === "rejected") throw result.reason;
}
