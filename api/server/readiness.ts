import type { QueryEngine } from "../../lakehouse/index.ts";
import type { PipelineStatus } from "../../stream/index.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is not ready, for a person; empty when ready. */
  readonly waitingFor: readonly string[];
}

/** Ready: there are tasks, all of them run, and the query engine answers in time. */
export function createReadinessProbe(
  pipeline: PipelineStatus,
  queryEngine: QueryEngine,
  timeoutMs: number,
): () => Promise<Readiness> {
  let underWay: Promise<boolean> | null = null;
  return async () => {
    const tasks = pipeline.tasks();
    const waitingFor = tasks
      .filter((task) => task.state !== "running")
      .map((task) => `task ${task.taskId} is ${task.state}`);
    if (tasks.length === 0) waitingFor.push("the pipeline has no task yet");
    // Callers share one probe, so that a hanging engine does not collect them.
    underWay ??= answers(queryEngine, timeoutMs).finally(() => {
      underWay = null;
    });
    if (!(await underWay)) waitingFor.push("the query engine does not answer");
    return { ready: waitingFor.length === 0, waitingFor };
  };
}

async function answers(queryEngine: QueryEngine, timeoutMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  const timedOut = new Promise<boolean>((resolve) => {
    signal.addEventListener("abort", () => resolve(false), { once: true });
  });
  const answered = queryEngine.query("select 1 as one", [], { signal }).then(
    () => true,
    () => false,
  );
  return Promise.race([answered, timedOut]);
}
