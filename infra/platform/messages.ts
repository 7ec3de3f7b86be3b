import type { TaskStatus } from "../../stream/index.ts";
import type { InputEnd } from "./input-ends.ts";
import type { StageFigures } from "./pipeline-runner.ts";
import type { PlatformConfig } from "./platform-config.ts";
import type { StepTimes } from "./step-times.ts";

/** What a worker thread is started with. */
export interface WorkerThreadData {
  readonly config: PlatformConfig;
  readonly taskIds: readonly string[];
  readonly workerIndex: number;
}

/** The same with when the thread was asked for, ms since the epoch. */
export interface WorkerThreadStart extends WorkerThreadData {
  readonly askedAt: number;
}

export type ToWorker =
  | { readonly type: "stop" }
  | { readonly type: "drain"; readonly id: number; readonly ends: readonly InputEnd[] };

export type FromWorker =
  | { readonly type: "ready"; readonly ms: StepTimes }
  | { readonly type: "warning"; readonly message: string }
  | {
      readonly type: "status";
      readonly tasks: readonly TaskStatus[];
      readonly figures: StageFigures;
    }
  | { readonly type: "drained"; readonly id: number }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      /** It may pass by itself: a server that is down or busy. */
      readonly retry: boolean;
    }
  | { readonly type: "stopped" };
