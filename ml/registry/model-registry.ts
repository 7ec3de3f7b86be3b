import { createHash } from "node:crypto";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import type { ModelCard } from "./model-card.ts";

export type ModelAlias = "champion" | "challenger";

export interface RegisteredModel {
  readonly card: ModelCard;
  readonly weights: Uint8Array;
}

/**
 * Model versions in an object store: `models/PLUGIN/VERSION/weights` and `card.json`, immutable, and
 * the aliases `models/PLUGIN/aliases/NAME.json`, which a put replaces atomically.
 */
export interface ModelRegistry {
  /** Stores a version; the same weights of the same time are the same version, stored once. */
  publish(card: Omit<ModelCard, "version" | "weightsSha256">, weights: Uint8Array): Promise<ModelCard>;
  setAlias(plugin: string, alias: ModelAlias, version: string): Promise<void>;
  /** The version that an alias names, or null. Rejects with code `model-corrupt` where it is unreadable. */
  alias(plugin: string, alias: ModelAlias): Promise<string | null>;
  /** Card and weights. Rejects with code `model-missing` or `model-corrupt`. */
  get(plugin: string, version: string): Promise<RegisteredModel>;
  /** Versions of a plugin, oldest first. */
  versions(plugin: string): Promise<readonly string[]>;
}

export function createModelRegistry(store: ObjectStore, prefix = "models"): ModelRegistry {
  const versionKey = (plugin: string, version: string, name: string): string =>
    `${prefix}/${plugin}/${version}/${name}`;
  const aliasKey = (plugin: string, alias: ModelAlias): string => `${prefix}/${plugin}/aliases/${alias}.json`;
  return {
    async publish(draft, weights) {
      const weightsSha256 = sha256(weights);
      const card = { ...draft, version: versionOf(draft.trainedAt, weightsSha256), weightsSha256 };
      // The card is what makes a version: a crash before it leaves weights that nothing lists or loads,
      // and the next publish of the same version finds them and goes on.
      await putOnce(store, versionKey(card.plugin, card.version, "weights"), weights);
      await putOnce(store, versionKey(card.plugin, card.version, "card.json"), toJson(card));
      return card;
    },
    async setAlias(plugin, alias, version) {
      // One atomic put: after a crash the alias names the old version or the new one, both complete.
      await store.put(aliasKey(plugin, alias), toJson({ version }));
    },
    async alias(plugin, alias) {
      const bytes = await getOrNull(store, aliasKey(plugin, alias));
      if (bytes === null) return null;
      const { version } = parseObject(bytes, `alias ${alias} of ${plugin}`);
      if (typeof version !== "string" || version === "") {
        throw corrupt(`alias ${alias} of ${plugin} names no version`);
      }
      return version;
    },
    async get(plugin, version) {
      const cardBytes = await getOrNull(store, versionKey(plugin, version, "card.json"));
      const weights = await getOrNull(store, versionKey(plugin, version, "weights"));
      if (cardBytes === null || weights === null) {
        throw new MillraceError(
          `model ${version} of ${plugin} has no ${cardBytes === null ? "card" : "weights"} in the registry: train or promote another version`,
          { code: "model-missing", origin: "user" },
        );
      }
      const card = parseObject(cardBytes, `card of model ${version} of ${plugin}`) as unknown as ModelCard;
      if (card.version !== version || card.weightsSha256 !== sha256(weights)) {
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
  };
}

/** `20260105T060000Z-1a2b3c4d5e6f`: sorts by time, and is the same for the same weights and time. */
function versionOf(trainedAt: string, weightsSha256: string): string {
  return `${trainedAt.replace(/\.\d+/, "").replaceAll(/[-:]/g, "")}-${weightsSha256.slice(0, 12)}`;
}

async function putOnce(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === "precondition-failed")) throw error;
  }
}

async function getOrNull(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "object-not-found") return null;
    throw error;
  }
}

function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw corrupt(`${what} is not JSON`, cause);
  }
  throw corrupt(`${what} is not a JSON object`);
}

function corrupt(detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`${detail}: train or promote another version`, {
    code: "model-corrupt",
    origin: "external",
    ...(cause === undefined ? {} : { cause }),
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, null, 2));
}
