import type { TaskStatus, WorkReport } from "../../stream/index.ts";
import type { InputEnd } from "./input-ends.ts";
import type { StageFigures } from "./pipeline-runner.ts";
import type { PlatformConfig } from "./platform-config.ts";
import type { StepTimes } from "./step-times.ts";

/** What a worker is. */
export interface WorkerThreadData {
  readonly config: PlatformConfig;
  readonly taskIds: readonly string[];
  readonly workerIndex: number;
}

/** What a thread is to do. */
export interface ThreadWork {
  readonly taskIds: readonly string[];
  /** When the thread was asked to, ms since the epoch. */
  readonly askedAt: number;
}

/** What a worker thread is started with; a spare one is told its work later. */
export interface WorkerThreadStart {
  readonly config: PlatformConfig;
  readonly work: ThreadWork | null;
}

/** How busy a thread was since it told last. */
export interface ThreadLoad {
  /** Share of the time that it computed, 0 to 1. */
  readonly busy: number;
  /** How late it came to telling, ms: what was due waited for as long. */
  readonly delayMs: number;
}

/** Time between two reports of a thread's work. */
export const WORK_REPORT_MS = 1_000;

export type ToWorker =
  | { readonly type: "begin"; readonly work: ThreadWork }
  /** A spare thread keeps up the state of these tasks, and of no others. */
  | { readonly type: "follow"; readonly taskIds: readonly string[] }
  | { readonly type: "stop" }
  /** Another thread of the process takes tasks up, until that moment at most; 0 when it has caught up. */
  | { readonly type: "give-way"; readonly until: number }
  | { readonly type: "drain"; readonly id: number; readonly ends: readonly InputEnd[] };

export type FromWorker =
  /** A spare thread has compiled what it will run. */
  | { readonly type: "warm" }
  /** A spare thread has the state of all tasks that it follows. */
  | { readonly type: "stands-by"; readonly taskIds: readonly string[] }
  | { readonly type: "ready"; readonly ms: StepTimes }
  /** No event has waited for long any more since the tasks were restored. */
  | { readonly type: "caught-up" }
  | { readonly type: "warning"; readonly message: string }
  | {
      readonly type: "status";
      readonly tasks: readonly TaskStatus[];
      readonly figures: StageFigures;
    }
  | { readonly type: "work"; readonly report: WorkReport; readonly load: ThreadLoad }
  | { readonly type: "drained"; readonly id: number }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      /** It may pass by itself: a server that is down or busy. */
      readonly retry: boolean;
    };
