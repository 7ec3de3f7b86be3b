import type { MillraceError } from "../../schema/index.ts";
import type { Scorer, ServedPlugin } from "../plugin.ts";
import { type LoadedModel, loadChampion, loadVersion, toProblem } from "./load-champion.ts";
import type { ModelCard } from "./model-card.ts";
import type { ModelRegistry } from "./model-registry.ts";

/** The models that the stream scores with at this moment: read it once a batch. */
export interface ServedModels<S = Scorer> {
  readonly champion: S;
  /** Null for the built-in model. */
  readonly card: ModelCard | null;
  /** Scores in shadow; null where nothing challenges. */
  readonly challenger: S | null;
}

/** What keeps the models of an alias from scoring. */
export interface ModelProblem {
  readonly plugin: string;
  readonly alias: "champion" | "challenger";
  readonly error: MillraceError;
  /** Version that scores instead; null where nothing stands in for a challenger. */
  readonly scoring: string | null;
  /** Number of the newest change of the aliases, as far as it is known. */
  readonly sequence: number;
}

export interface ModelSlotDeps {
  readonly registry: ModelRegistry;
  /** Told once of each problem, until something changes. Never lets a failure out. */
  readonly onProblem: (problem: ModelProblem) => void;
}

/**
 * The place of a plugin's models in a running worker. {@link refresh} looks for changed aliases and
 * replaces the models between two batches: scoring never waits for it. Whatever is wrong with a new
 * model or with the registry, the last good one goes on scoring, and {@link ModelSlotDeps.onProblem}
 * hears of it.
 */
export class ModelSlot<S extends { readonly modelVersion: string } = Scorer> {
  private readonly plugin: ServedPlugin<S>;
  private readonly deps: ModelSlotDeps;
  private served: ServedModels<S>;
  /** Newest change of the aliases that was looked at. */
  private sequence = 0;
  /** What is wrong, by alias: asked about again at each refresh. */
  private readonly problems = new Map<ModelProblem["alias"], string>();
  private refreshing: Promise<void> | null = null;

  private constructor(plugin: ServedPlugin<S>, loaded: LoadedModel<S>, deps: ModelSlotDeps) {
    this.plugin = plugin;
    this.deps = deps;
    this.served = { champion: loaded.scorer, card: loaded.card, challenger: null };
  }

  /** Never rejects for what the registry holds or for its absence, as {@link loadChampion}. */
  static async open<S extends { readonly modelVersion: string }>(
    plugin: ServedPlugin<S>,
    deps: ModelSlotDeps,
  ): Promise<ModelSlot<S>> {
    const loaded = await loadChampion(deps.registry, plugin);
    const slot = new ModelSlot(plugin, loaded, deps);
    // Tells of the problem, too, where the champion is unusable.
    await slot.refresh();
    return slot;
  }

  get models(): ServedModels<S> {
    return this.served;
  }

  /** Takes up what changed in the registry; never rejects. Costs one look-up where nothing did. */
  refresh(): Promise<void> {
    this.refreshing ??= this.takeChanges().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  private async takeChanges(): Promise<void> {
    const log = this.deps.registry.aliasLog(this.plugin.name);
    try {
      if (this.problems.size === 0 && this.sequence > 0 && !(await log.hasChangeAfter(this.sequence))) return;
      const newest = await log.newest();
      this.sequence = newest?.sequence ?? 0;
      await this.takeChampion(newest?.aliases.champion ?? null);
      await this.takeChallenger(newest?.aliases.challenger ?? null);
    } catch (error) {
      this.tell("champion", toProblem(this.plugin.name, error));
    }
  }

  private async takeChampion(version: string | null): Promise<void> {
    const { version: builtIn, weights } = this.plugin.defaultModel();
    if (this.served.champion.modelVersion !== (version ?? builtIn)) {
      const next =
        version === null
          ? { scorer: this.plugin.load(weights, builtIn), card: null }
          : await loadVersion(this.deps.registry, this.plugin, version);
      this.served = { ...this.served, champion: next.scorer, card: next.card };
    }
    this.problems.delete("champion");
  }

  private async takeChallenger(version: string | null): Promise<void> {
    try {
      if ((this.served.challenger?.modelVersion ?? null) !== version) {
        // The one before challenges no more, whatever becomes of this one.
        this.served = { ...this.served, challenger: null };
        if (version !== null) {
          const { scorer } = await loadVersion(this.deps.registry, this.plugin, version);
          this.served = { ...this.served, challenger: scorer };
        }
      }
      this.problems.delete("challenger");
    } catch (error) {
      this.tell("challenger", toProblem(this.plugin.name, error));
    }
  }

  private tell(alias: ModelProblem["alias"], error: MillraceError): void {
    const known = `${this.sequence} ${error.code}`;
    if (this.problems.get(alias) === known) return;
    this.problems.set(alias, known);
    const scoring = alias === "champion" ? this.served.champion.modelVersion : null;
    this.deps.onProblem({ plugin: this.plugin.name, alias, error, scoring, sequence: this.sequence });
  }
}
