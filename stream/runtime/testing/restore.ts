import type { EventLog } from "../../ports/event-log.ts";
import type { CheckpointStore } from "../checkpoint-store.ts";
import type { Task } from "../task.ts";

/** Opens one task behind its newest checkpoint, without claiming it. */
export async function restore(task: Task, log: EventLog, checkpoints: CheckpointStore): Promise<void> {
  await task.restore(log, checkpoints, await task.find(checkpoints));
}
