import { eventLoopScheduling, type StandbyTasks } from "../../stream/index.ts";
import type { FromWorker, ThreadWork, ToWorker } from "./messages.ts";
import { warmUp } from "./warm-up.ts";
import { createStandbyTasks, pipelineFactory, type StandbySetup } from "./worker-setup.ts";

/** Time between two looks at the checkpoints of others. */
const FOLLOW_EVERY_MS = 1_000;
/** Pause behind each part of an image: the tasks of other threads need the cores. */
const FOLLOW_REST_MS = 15;

export interface SpareWorkSetup extends StandbySetup {
  readonly send: (message: FromWorker) => void;
}

/** What a spare thread does until there is work: it warms up, then keeps up the state of tasks that it may be given. */
export class SpareWork {
  readonly standby: StandbyTasks;
  private readonly setup: SpareWorkSetup;
  /** What it is asked for: work, or (null) to stop. */
  private asked: { readonly work: ThreadWork | null } | null = null;
  private wake = (): void => undefined;

  constructor(setup: SpareWorkSetup) {
    this.setup = setup;
    this.standby = createStandbyTasks(setup, {
      rest: () => this.pause(FOLLOW_REST_MS),
      onReady: (taskIds) => setup.send({ type: "stands-by", taskIds }),
      onProblem: (taskId, problem) =>
        setup.send({
          type: "warning",
          message: `the state of ${taskId} is not kept up for now, taking it up would take longer: ${problem}`,
        }),
    });
  }

  /** Takes a message of the thread's owner; whether it was the last: those behind it are for the work. */
  take(message: ToWorker): boolean {
    if (message.type === "follow") this.standby.follow(message.taskIds);
    if (message.type === "begin") this.asked = { work: message.work };
    if (message.type === "stop") this.asked = { work: null };
    if (this.asked === null) return false;
    this.wake();
    return true;
  }

  /** Resolves to the work, or to null where the thread is asked to stop instead. */
  async untilAsked(): Promise<ThreadWork | null> {
    const { setup } = this;
    const isOver = (): boolean => this.asked !== null;
    await warmUp({
      // Nothing of it counts.
      createPipeline: pipelineFactory(
        { ...setup, config: { ...setup.config, partitions: 1 }, tally: undefined },
        "warm-up",
      ),
      scheduling: eventLoopScheduling,
      isOver,
    });
    if (this.asked === null) setup.send({ type: "warm" });
    while (this.asked === null) {
      await this.standby.keepUp(isOver);
      await this.pause(FOLLOW_EVERY_MS);
    }
    return this.asked.work;
  }

  /** Ends where it is asked for something. */
  private async pause(ms: number): Promise<void> {
    if (this.asked !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = eventLoopScheduling.after(ms, resolve);
    this.wake = resolve;
    await promise;
    callOff();
  }
}
