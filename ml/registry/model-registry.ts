import { createHash } from "node:crypto";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { AliasLog } from "./alias-log.ts";
import { cardProblem } from "./card-shape.ts";
import type { ModelCard } from "./model-card.ts";
import { corrupt, getOrNull, isCode, parseObject, putOnce, toJson } from "./stored-object.ts";

export interface RegisteredModel {
  readonly card: ModelCard;
  readonly weights: Uint8Array;
}

export interface ListedCards {
  readonly cards: readonly ModelCard[];
  readonly damaged: readonly { readonly version: string; readonly problem: MillraceError }[];
}

/**
 * Model versions in an object store: `models/PLUGIN/VERSION/weights` and `card.json`, immutable, and
 * the aliases with their history, an {@link AliasLog}.
 */
export interface ModelRegistry {
  /**
   * Stores a version; the same weights of the same time are the same version, stored once. Rejects with code
   * `card-unusable`, and stores nothing, where a figure is no number, which a stored card could not say.
   */
  publish(card: Omit<ModelCard, "version" | "weightsSha256">, weights: Uint8Array): Promise<ModelCard>;
  /** Card and weights. Rejects with code `model-missing` or `model-corrupt`. */
  get(plugin: string, version: string): Promise<RegisteredModel>;
  /** The card alone. Rejects with code `model-missing` or `model-corrupt`. */
  card(plugin: string, version: string): Promise<ModelCard>;
  /** Versions of a plugin, oldest first. */
  versions(plugin: string): Promise<readonly string[]>;
  /** The cards of these versions, in their order; of those that cannot be used, why. Rejects as the store does. */
  cards(plugin: string, versions: readonly string[]): Promise<ListedCards>;
  aliasLog(plugin: string): AliasLog;
}

export function createModelRegistry(store: ObjectStore, prefix = "models"): ModelRegistry {
  const versionKey = (plugin: string, version: string, name: string): string =>
    `${prefix}/${plugin}/${version}/${name}`;
  async function readCard(plugin: string, version: string): Promise<ModelCard> {
    const bytes = await getOrNull(store, versionKey(plugin, version, "card.json"));
    if (bytes === null) throw missing(plugin, version, "card");
    const card = parseObject(bytes, `card of model ${version} of ${plugin}`);
    const problem = cardProblem(card);
    if (problem !== null) throw corrupt(`${versionKey(plugin, version, "card.json")} is no card: ${problem}`);
    if (card.version === version) return card as unknown as ModelCard;
    throw corrupt(`the card of model ${version} of ${plugin} is that of another version`);
  }
  async function readCardOrProblem(plugin: string, version: string) {
    try {
      return { version, card: await readCard(plugin, version), problem: null };
    } catch (problem) {
      if (isCode(problem, "model-corrupt") || isCode(problem, "model-missing"))
        return { version, card: null, problem };
      throw problem;
    }
  }
  return {
    async publish(draft, weights) {
      const weightsSha256 = sha256(weights);
      const card = { ...draft, version: versionOf(draft.trainedAt, weightsSha256), weightsSha256 };
      const problem = cardProblem(card);
      if (problem !== null) {
        throw new MillraceError(
          `model ${card.version} of ${card.plugin} is not published: its card's ${problem}`,
          {
            code: "card-unusable",
            origin: "internal",
          },
        );
      }
      // The card is what makes a version: a crash before it leaves weights that nothing lists or loads,
      // and the next publish of the same version finds them and goes on.
      await putOnce(store, versionKey(card.plugin, card.version, "weights"), weights);
      await putOnce(store, versionKey(card.plugin, card.version, "card.json"), toJson(card));
      return card;
    },
    card: readCard,
    async get(plugin, version) {
      const card = await readCard(plugin, version);
      const weights = await getOrNull(store, versionKey(plugin, version, "weights"));
      if (weights === null) throw missing(plugin, version, "weights");
      if (card.weightsSha256 !== sha256(weights)) {
        throw corrupt(`the weights of model ${version} of ${plugin} are not those that its card describes`);
      }
      return { card, weights };
    },
    async versions(plugin) {
      const found: string[] = [];
      for await (const { key } of store.list(`${prefix}/${plugin}/`)) {
        if (key.endsWith("/card.json")) found.push(key.split("/").at(-2) as string);
      }
      return found.sort();
    },
    async cards(plugin, versions) {
      const read = await Promise.all(versions.map((version) => readCardOrProblem(plugin, version)));
      return {
        cards: read.flatMap(({ card }) => (card === null ? [] : [card])),
        damaged: read.flatMap(({ version, problem }) => (problem === null ? [] : [{ version, problem }])),
      };
    },
    aliasLog: (plugin) => new AliasLog(store, `${prefix}/${plugin}`, plugin),
  };
}

/** `20260105T060000Z-1a2b3c4d5e6f`: sorts by time, and is the same for the same weights and time. */
function versionOf(trainedAt: string, weightsSha256: string): string {
  return `${trainedAt.replace(/\.\d+/, "").replaceAll(/[-:]/g, "")}-${weightsSha256.slice(0, 12)}`;
}

function missing(plugin: string, version: string, what: "card" | "weights"): MillraceError {
  return new MillraceError(
    `model ${version} of ${plugin} has no ${what} in the registry: train or promote another version`,
    { code: "model-missing", origin: "user" },
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
