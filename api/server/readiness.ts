import type { QueryEngine } from "../../lakehouse/index.ts";
import type { HotStore, PipelineStatus } from "../../stream/index.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is not ready, for a person; empty when ready. */
  readonly waitingFor: readonly string[];
}

/** What readiness depends on, and whether each is as it has to be. */
export type ReadinessChecks = Readonly<Record<"tasks" | "query-engine" | "hot-store", boolean>>;

export interface ReadinessProbe {
  /** Callers at the same time share the requests to the servers. */
  (): Promise<Readiness>;
  /** The same, by what it depends on. */
  checks(): Promise<ReadinessChecks>;
}

export interface ReadinessDeps {
  readonly pipeline: PipelineStatus;
  readonly queryEngine: QueryEngine;
  readonly hotStore: HotStore;
  /** A server that takes longer counts as one that does not answer. */
  readonly timeoutMs: number;
}

/** Ready: there are tasks, all of them are known to run, and query engine and hot store answer in time. */
export function createReadinessProbe(deps: ReadinessDeps): ReadinessProbe {
  const { pipeline, queryEngine, hotStore, timeoutMs } = deps;
  const queryEngineAnswers = sharedProbe(timeoutMs, (signal) =>
    queryEngine.query("select 1 as one", [], { signal }),
  );
  // No such value needs to be there: that there is none is an answer.
  const hotStoreAnswers = sharedProbe(timeoutMs, () => hotStore.get("readiness", "probe"));

  async function checks(): Promise<ReadinessChecks> {
    const tasks = waitingForTasks(pipeline).length === 0;
    const [engine, store] = await Promise.all([queryEngineAnswers(), hotStoreAnswers()]);
    return { tasks, "query-engine": engine, "hot-store": store };
  }

  async function probe(): Promise<Readiness> {
    const waitingFor = waitingForTasks(pipeline);
    const answers = await checks();
    if (!answers["query-engine"]) waitingFor.push("the query engine does not answer");
    if (!answers["hot-store"]) waitingFor.push("the hot store does not answer");
    return { ready: waitingFor.length === 0, waitingFor };
  }

  return Object.assign(probe, { checks });
}

function waitingForTasks(pipeline: PipelineStatus): string[] {
  const tasks = pipeline.tasks();
  if (tasks.length === 0) return ["the pipeline has no task yet"];
  if (tasks.some(({ state }) => state === "unknown")) {
    const seconds = Math.round((pipeline.statusAgeMs?.() ?? 0) / 1000);
    return [`the state of the tasks is unknown: Kafka or the object store has not told it for ${seconds} s`];
  }
  return tasks
    .filter(({ state }) => state !== "running")
    .map(({ taskId, state }) => `task ${taskId} is ${state}`);
}

/** Callers share one request, so that a server that hangs does not collect them. */
function sharedProbe(
  timeoutMs: number,
  ask: (signal: AbortSignal) => Promise<unknown>,
): () => Promise<boolean> {
  let underWay: Promise<boolean> | null = null;
  return () => {
    underWay ??= answers(timeoutMs, ask).finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

function answers(timeoutMs: number, ask: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  const timedOut = new Promise<boolean>((resolve) => {
    signal.addEventListener("abort", () => resolve(false), { once: true });
  });
  const answered = ask(signal).then(
    () => true,
    () => false,
  );
  return Promise.race([answered, timedOut]);
}
