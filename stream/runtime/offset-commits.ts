import type { EventLog } from "../ports/event-log.ts";
import type { Checkpoint } from "./checkpoint-store.ts";
import type { Task } from "./task.ts";

type Inputs = Checkpoint["inputs"];

/**
 * Tells the log how far a worker's tasks have come, for others to see: recovery goes by checkpoints. A
 * crash in front of a commit leaves an older offset, which the next one passes.
 */
export class OffsetCommits {
  private readonly log: EventLog;
  private readonly group: string;
  /** Sum of the offsets that were committed last: it grows with each of them. */
  private readonly sums = new Map<Task, number>();

  constructor(log: EventLog, group: string) {
    this.log = log;
    this.group = group;
  }

  /** The offsets of a task without a checkpoint are the log's begin, which nobody has to be told. */
  beginAt(task: Task): void {
    this.sums.set(task, offsetSum(task.inputs()));
  }

  async commit(task: Task, inputs: Inputs): Promise<void> {
    this.sums.set(task, offsetSum(inputs));
    const along = inputs.filter(({ topic, partition }) => task.readsAlong(topic, partition));
    const own = inputs.filter((input) => !along.includes(input));
    await Promise.all([
      this.log.commitOffsets(this.group, own),
      this.log.commitOffsets(`${this.group}/${task.taskId}`, along),
    ]);
  }

  /** Offsets that passed no record have no checkpoint: they are committed alone, so that nobody sees a lag. */
  async commitPassed(task: Task): Promise<void> {
    const inputs = task.inputs();
    if (task.recordsSinceCut === 0 && offsetSum(inputs) > (this.sums.get(task) ?? 0))
      await this.commit(task, inputs);
  }
}

function offsetSum(inputs: Inputs): number {
  return inputs.reduce((sum, { offset }) => sum + offset, 0);
}
