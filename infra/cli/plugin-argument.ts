import { userInfo } from "node:os";
import {
  isOrderScorer,
  isRecommender,
  isServed,
  isSessionScorer,
  mlPlugins,
  type OrderScorerPlugin,
  type RecommenderPlugin,
  type ServedPlugin,
  type SessionScorerPlugin,
} from "../../ml/index.ts";
import { MillraceError } from "../../schema/index.ts";
import type { CliIo } from "./cli-io.ts";

type TrainedPlugin = SessionScorerPlugin | RecommenderPlugin | OrderScorerPlugin;

const trained = mlPlugins.filter(
  (plugin): plugin is TrainedPlugin =>
    isSessionScorer(plugin) || isRecommender(plugin) || isOrderScorer(plugin),
);

/** The plugins that learn from the lake's events. */
export const TRAINED_PLUGINS: readonly string[] = trained.map(({ name }) => name);

/** The plugin of that name; throws code `unknown-plugin`. */
export function trainedPlugin(name: string): TrainedPlugin {
  const plugin = trained.find((candidate) => candidate.name === name);
  if (plugin !== undefined) return plugin;
  throw new MillraceError(
    `no plugin "${name}" is trained on the lake: use one of ${TRAINED_PLUGINS.join(", ")}.`,
    { code: "unknown-plugin", origin: "user" },
  );
}

/** The plugins that have models in the registry. */
export const SERVED_PLUGINS: readonly ServedPlugin<{ readonly modelVersion: string }>[] =
  mlPlugins.filter(isServed);

/** The plugin of that name; throws code `unknown-plugin`. */
export function servedPlugin(name: string): (typeof SERVED_PLUGINS)[number] {
  const plugin = SERVED_PLUGINS.find((candidate) => candidate.name === name);
  if (plugin !== undefined) return plugin;
  throw new MillraceError(
    `plugin "${name}" has no models in the registry: use one of ${SERVED_PLUGINS.map((p) => p.name).join(", ")}.`,
    { code: "unknown-plugin", origin: "user" },
  );
}

/** Who calls, for an audit: as the shell knows them, else as the system does, by number where it has no name. */
export function authorOf(io: CliIo): string {
  const { USER, LOGNAME } = io.environment;
  return USER ?? LOGNAME ?? systemUser();
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
