import type { TaskStatus } from "../../stream/index.ts";
import type { PlatformConfig } from "./platform-config.ts";

/** An end offset that a drain has to reach. */
export interface InputEnd {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What a worker thread is started with. */
export interface WorkerThreadData {
  readonly config: PlatformConfig;
  readonly taskIds: readonly string[];
  readonly workerIndex: number;
}

export type ToWorker =
  | { readonly type: "stop" }
  | { readonly type: "drain"; readonly id: number; readonly ends: readonly InputEnd[] };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "warning"; readonly message: string }
  | {
      readonly type: "status";
      readonly tasks: readonly TaskStatus[];
      readonly cpuMicros: Readonly<Record<string, number>>;
    }
  | { readonly type: "drained"; readonly id: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "stopped" };
