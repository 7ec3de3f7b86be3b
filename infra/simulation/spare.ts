import type { PlatformConfig } from "../platform/platform-config.ts";
import { createStandbyTasks } from "../platform/worker-setup.ts";
import type { SimulatedProcess } from "./process.ts";
import { openSetup, type ProcessSetup } from "./setup.ts";
import type { World } from "./world.ts";

/** Longest time between two looks at the checkpoints of others, and longest rest behind a part of an image. */
const LOOK_MS_MAX = 1_000;
const REST_MS_MAX = 100;

/** What a process does that has no tasks: it keeps up the state of those of others. */
export class Spare {
  readonly process: SimulatedProcess;
  private readonly world: World;
  private readonly running: Promise<ProcessSetup>;
  private isOver = false;

  constructor(world: World, config: PlatformConfig, process: SimulatedProcess, taskIds: readonly string[]) {
    this.process = process;
    this.world = world;
    this.running = this.run(config, taskIds);
    // Told to whoever has it take up tasks; nobody may.
    this.running.catch(() => undefined);
  }

  /** Ends it; resolves to what the process goes on with. */
  ended(): Promise<ProcessSetup> {
    this.isOver = true;
    return this.running;
  }

  private async run(config: PlatformConfig, taskIds: readonly string[]): Promise<ProcessSetup> {
    const setup = await openSetup(this.world, config, this.process);
    const standby = createStandbyTasks(setup, {
      rest: () => this.pause(REST_MS_MAX),
      onReady: () => undefined,
      onProblem: () => undefined,
    });
    standby.follow(taskIds);
    while (!this.isOver) {
      await standby.keepUp(() => this.isOver);
      await this.pause(LOOK_MS_MAX);
    }
    return { ...setup, standby };
  }

  private pause(msMax: number): Promise<void> {
    const ms = this.isOver ? 0 : this.world.network.scheduler.random.unit() * msMax;
    return new Promise((resolve) => void this.process.deliverAfter(ms, resolve));
  }
}
