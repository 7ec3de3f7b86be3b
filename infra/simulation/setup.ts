import { noStageClock } from "../../stream/index.ts";
import type { PlatformConfig } from "../platform/platform-config.ts";
import { openStreamModels } from "../platform/stream-models.ts";
import type { WorkerEnvironment, WorkerSetup } from "../platform/worker-setup.ts";
import type { SimulatedProcess } from "./process.ts";
import type { World } from "./world.ts";

/** What a process has whatever tasks it will run. */
export type ProcessSetup = Omit<WorkerSetup, "taskIds" | "onPoint"> & {
  readonly environment: WorkerEnvironment;
};

/** Connects a process to the world's servers, and loads its models. */
export async function openSetup(
  world: World,
  config: PlatformConfig,
  process: SimulatedProcess,
): Promise<ProcessSetup> {
  const { scheduler } = world.network;
  const adapters = world.connect(process);
  const models = await openStreamModels({ adapters, clock: process.clock, warn: () => undefined });
  return {
    config,
    adapters,
    models,
    clock: process.clock,
    stopwatch: process.clock,
    stageClock: noStageClock,
    environment: {
      nonce: process.name,
      scheduling: {
        nextTurn: () => new Promise((resolve) => process.deliverAfter(scheduler.random.unit(), resolve)),
        after: (ms, callback) => process.deliverAfter(ms, callback),
      },
      retry: {
        sleep: (ms) => new Promise((resolve) => process.deliverAfter(ms, resolve)),
        random: () => scheduler.random.unit(),
      },
      // The pool's threads would answer when they like; and images need not be small here.
      imageCodec: {
        compress: async (part) => part.slice(),
        decompress: async (bytes) => bytes,
        release: () => undefined,
      },
    },
  };
}
