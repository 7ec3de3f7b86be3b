import { MillraceError } from "../../schema/index.ts";
import type { Scorer, ServedPlugin } from "../plugin.ts";
import { championsBefore } from "./alias-log.ts";
import type { ModelCard } from "./model-card.ts";
import type { ModelRegistry } from "./model-registry.ts";

export interface LoadedModel<S = Scorer> {
  readonly scorer: S;
  /** `earlier` where the champion is unusable and one before it is not; `default`: built in. */
  readonly source: "champion" | "earlier" | "default";
  /** Null for the built-in model. */
  readonly card: ModelCard | null;
  /** Why it is not the champion that is named; for the log and the status. */
  readonly problem: MillraceError | null;
}

/** Champions before an unusable one that are tried. */
const EARLIER_MAX = 3;

/**
 * The model that scores. Never fails for what the registry holds or for its absence: an unusable
 * champion is a `problem` beside the last good one before it, or the built-in model, so that events
 * go on being scored.
 */
export async function loadChampion<S extends { readonly modelVersion: string } = Scorer>(
  registry: ModelRegistry,
  plugin: ServedPlugin<S>,
): Promise<LoadedModel<S>> {
  let problem: MillraceError;
  try {
    const version = (await registry.aliasLog(plugin.name).newest())?.aliases.champion ?? null;
    if (version === null) return loadDefault(plugin, null);
    return { ...(await loadVersion(registry, plugin, version)), source: "champion", problem: null };
  } catch (error) {
    problem = toProblem(plugin.name, error);
  }
  return (await loadEarlier(registry, plugin, problem)) ?? loadDefault(plugin, problem);
}

/** Rejects with code `model-missing`, `model-corrupt`, `model-incompatible`, or as the store does. */
export async function loadVersion<S extends { readonly modelVersion: string }>(
  registry: ModelRegistry,
  plugin: ServedPlugin<S>,
  version: string,
): Promise<{ readonly scorer: S; readonly card: ModelCard }> {
  const { card, weights } = await registry.get(plugin.name, version);
  try {
    return { scorer: plugin.load(weights, version), card };
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    // Not the registry's failure: the same weights will fail again.
    throw new MillraceError(
      `the weights of model ${version} of ${plugin.name} cannot be loaded: train again`,
      {
        code: "model-incompatible",
        origin: "user",
        cause,
      },
    );
  }
}

/** Whatever goes wrong in a model or on the way to it, as an error with a code. */
export function toProblem(plugin: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(`the model registry cannot be read for ${plugin}`, {
    code: "registry-unavailable",
    origin: "external",
    retry: true,
    cause: error,
  });
}

async function loadEarlier<S extends { readonly modelVersion: string }>(
  registry: ModelRegistry,
  plugin: ServedPlugin<S>,
  problem: MillraceError,
): Promise<LoadedModel<S> | null> {
  try {
    const changes = await registry.aliasLog(plugin.name).readableChanges();
    // The newest readable change names the champion itself, unless a newer one is unreadable.
    const named = changes.at(-1)?.aliases.champion ?? null;
    for (const version of [named, ...championsBefore(changes)].slice(0, 1 + EARLIER_MAX)) {
      if (version === null) break;
      try {
        return { ...(await loadVersion(registry, plugin, version)), source: "earlier", problem };
      } catch {
        // The problem to tell is that of the champion; what comes before it is tried in its turn.
      }
    }
  } catch {
    // Nor does a registry that cannot be listed say more than the first problem did.
  }
  return null;
}

function loadDefault<S extends { readonly modelVersion: string }>(
  plugin: ServedPlugin<S>,
  problem: MillraceError | null,
): LoadedModel<S> {
  const { version, weights } = plugin.defaultModel();
  return { scorer: plugin.load(weights, version), source: "default", card: null, problem };
}
