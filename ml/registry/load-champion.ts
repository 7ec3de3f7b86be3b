import { MillraceError } from "../../schema/index.ts";
import type { Scorer, SessionScorerPlugin } from "../plugin.ts";
import type { ModelCard } from "./model-card.ts";
import type { ModelRegistry } from "./model-registry.ts";

export interface LoadedModel {
  readonly scorer: Scorer;
  /** `default` until a champion is promoted, and where it is unusable. */
  readonly source: "champion" | "default";
  /** Null for the default. */
  readonly card: ModelCard | null;
  /** Why there is no champion although one is named; for the log and the status. */
  readonly problem: MillraceError | null;
}

/**
 * The scorer that the stream uses. Never fails for what the registry holds or for its absence: an
 * unusable champion is a `problem` beside the built-in default, so that events go on being scored.
 */
export async function loadChampion(
  registry: ModelRegistry,
  plugin: SessionScorerPlugin,
): Promise<LoadedModel> {
  try {
    const version = await registry.alias(plugin.name, "champion");
    if (version === null) return loadDefault(plugin, null);
    const { card, weights } = await registry.get(plugin.name, version);
    return { scorer: plugin.load(weights, version), source: "champion", card, problem: null };
  } catch (error) {
    return loadDefault(plugin, toProblem(plugin.name, error));
  }
}

function loadDefault(plugin: SessionScorerPlugin, problem: MillraceError | null): LoadedModel {
  const { version, weights } = plugin.defaultModel();
  return { scorer: plugin.load(weights, version), source: "default", card: null, problem };
}

function toProblem(plugin: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(`the model registry cannot be read for ${plugin}; the default model scores`, {
    code: "registry-unavailable",
    origin: "external",
    retry: true,
    cause: error,
  });
}
