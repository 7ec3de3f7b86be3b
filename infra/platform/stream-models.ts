import {
  createModelRegistry,
  type DemandOutlook,
  isRecommender,
  type ModelProblem,
  ModelSlot,
  mlPlugins,
  type OrderScorer,
  type OrderScorerPlugin,
  orderScorers,
  type RecommenderPlugin,
  type Scorer,
  type ServedPlugin,
  type SessionScorerPlugin,
  sessionScorers,
  type VisitRecommender,
} from "../../ml/index.ts";
import type { Alert, AlertBus, Scheduling } from "../../stream/index.ts";
import { OutlookSlot } from "../forecast/stored-outlook.ts";
import type { Adapters } from "./adapters.ts";

export interface StreamModelsDeps {
  readonly adapters: Pick<Adapters, "objects" | "alertBus">;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
}

export interface ServedScorer {
  readonly plugin: SessionScorerPlugin;
  readonly slot: ModelSlot<Scorer>;
}

/** The models of the plugins that score in the stream of one worker. */
export interface StreamModels {
  readonly propensity: ServedScorer;
  /** Further plugins that score sessions. */
  readonly sessions: readonly ServedScorer[];
  readonly fraud: { readonly plugin: OrderScorerPlugin; readonly slot: ModelSlot<OrderScorer> };
  readonly recommend: { readonly plugin: RecommenderPlugin; readonly slot: ModelSlot<VisitRecommender> };
  /** The newest forecast of demand; null before the first. */
  readonly outlook: () => DemandOutlook | null;
  /** Takes up what changed in the registry, and a newer forecast; never rejects. */
  refresh(): Promise<void>;
}

/** Loads the models; an unusable one is a warning and an alert, and the last good one scores. */
export async function openStreamModels(
  { adapters, clock, warn }: StreamModelsDeps,
  scoringPlugins: readonly SessionScorerPlugin[] = sessionScorers,
): Promise<StreamModels> {
  const registry = createModelRegistry(adapters.objects);
  const onProblem = (problem: ModelProblem): void => {
    warn(titleOf(problem));
    // Behind the warning: who cannot be told by an alert is told by the log.
    publishProblem(adapters.alertBus, problem, clock()).catch((error: unknown) =>
      warn(`an alert about the models of ${problem.plugin} is not published: ${error}`),
    );
  };
  const demand = new OutlookSlot(adapters.objects, ({ message }) => warn(message));
  const slots: Pick<ModelSlot, "refresh">[] = [demand];
  async function open<S extends { readonly modelVersion: string }, P extends ServedPlugin<S>>(
    plugin: P & ServedPlugin<S>,
  ): Promise<{ readonly plugin: P; readonly slot: ModelSlot<S> }> {
    const slot = await ModelSlot.open<S>(plugin, { registry, onProblem });
    slots.push(slot);
    return { plugin, slot };
  }
  // All at once: whoever takes over the tasks of a dead worker waits for it.
  const [scorers, fraud, recommend] = await Promise.all([
    Promise.all(scoringPlugins.map((plugin) => open<Scorer, SessionScorerPlugin>(plugin))),
    open<OrderScorer, OrderScorerPlugin>(orderScorers[0]),
    open<VisitRecommender, RecommenderPlugin>(mlPlugins.find(isRecommender) as RecommenderPlugin),
    demand.refresh(),
  ]);
  const isPropensity = ({ plugin }: ServedScorer): boolean => plugin.name === "propensity";
  return {
    propensity: scorers.find(isPropensity) as ServedScorer,
    sessions: scorers.filter((scorer) => !isPropensity(scorer)),
    fraud,
    recommend,
    outlook: () => demand.outlook,
    async refresh() {
      for (const slot of slots) await slot.refresh();
    },
  };
}

/** Refreshes at an interval until the returned function is called; one refresh at a time. */
export function refreshModels(
  models: Pick<StreamModels, "refresh">,
  everyMs: number,
  scheduling: Pick<Scheduling, "after">,
): () => void {
  let callOff = (): void => undefined;
  let stopped = false;
  const next = (): void => {
    if (stopped) return;
    callOff = scheduling.after(everyMs, () => void models.refresh().then(next));
  };
  next();
  return () => {
    stopped = true;
    callOff();
  };
}

/** The id is the same in every worker: one alert tells of it. */
async function publishProblem(alertBus: AlertBus, problem: ModelProblem, nowMs: number): Promise<void> {
  const { plugin, alias, error, scoring, sequence } = problem;
  const alert: Alert = {
    id: `model-problem:${plugin}:${alias}:${sequence}:${error.code}`,
    revision: 1,
    status: "raised",
    kind: "model-problem",
    severity: alias === "champion" ? "high" : "low",
    title: titleOf(problem),
    userId: null,
    productId: null,
    orderId: null,
    eventTime: nowMs,
    windowStart: null,
    windowEnd: null,
    figures: { plugin, alias, code: error.code, scoring: scoring ?? "none" },
  };
  await alertBus.publish([alert]);
}

function titleOf({ plugin, error, scoring }: ModelProblem): string {
  return `${plugin}: ${error.message}; ${scoring === null ? "nothing scores in shadow" : `${scoring} goes on scoring`}`;
}
