import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import { propensity } from "../plugins/propensity/index.ts";
import { loadChampion } from "./load-champion.ts";
import type { ModelCard } from "./model-card.ts";
import { createModelRegistry, type ModelRegistry } from "./model-registry.ts";

const DRAFT: Omit<ModelCard, "version" | "weightsSha256"> = {
  plugin: "propensity",
  trainedAt: "2026-01-05T06:00:00.000Z",
  dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
  rows: { train: 10, validation: 5, unknownLabel: 1 },
  features: propensity.features.flatMap((group) => group.features),
  evaluation: { rows: 5, positives: 1, metrics: {}, reliability: [] },
  incumbent: { version: "propensity-default-1", metric: 0.5 },
  seed: 1,
  codeRevision: "test",
};

describe("model registry", () => {
  let folder: string;
  let registry: ModelRegistry;
  const { weights } = propensity.defaultModel();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-models-"));
    registry = createModelRegistry(new LocalObjectStore(folder));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const publishChampion = async (bytes = weights): Promise<ModelCard> => {
    const card = await registry.publish(DRAFT, bytes);
    await registry.setAlias("propensity", "champion", card.version);
    return card;
  };

  it("stores a version once, and gives back its card and weights", async () => {
    const card = await registry.publish(DRAFT, weights);
    expect(card.version).toMatch(/^20260105T060000Z-[0-9a-f]{12}$/);
    expect(await registry.publish(DRAFT, weights)).toEqual(card);
    expect(await registry.versions("propensity")).toEqual([card.version]);
    const stored = await registry.get("propensity", card.version);
    expect(stored.card).toEqual(card);
    expect(Buffer.from(stored.weights).equals(Buffer.from(weights))).toBe(true);
  });

  it("loads the champion; before there is one, the default without a problem", async () => {
    expect(await loadChampion(registry, propensity)).toMatchObject({ source: "default", problem: null });
    const card = await publishChampion();
    const loaded = await loadChampion(registry, propensity);
    expect(loaded).toMatchObject({ source: "champion", card, problem: null });
    expect(loaded.scorer.modelVersion).toBe(card.version);
  });

  it("falls back to the default, and says why, for everything that can be wrong with a champion", async () => {
    const broken: Record<string, () => Promise<unknown>> = {
      "model-missing": () => registry.setAlias("propensity", "champion", "20200101T000000Z-0"),
      "model-corrupt": async () => {
        const { version } = await publishChampion();
        await writeFile(join(folder, `models/propensity/${version}/weights`), "{");
      },
      "model-incompatible": () => publishChampion(new TextEncoder().encode('{"format":"other"}')),
    };
    for (const [code, breakIt] of Object.entries(broken)) {
      await breakIt();
      const loaded = await loadChampion(registry, propensity);
      expect(loaded.source).toBe("default");
      expect(loaded.problem?.code).toBe(code);
    }
    await writeFile(join(folder, "models/propensity/aliases/champion.json"), "\u0000");
    expect((await loadChampion(registry, propensity)).problem?.code).toBe("model-corrupt");
  });

  it("falls back to the default where the store fails", async () => {
    const failing = new Proxy(new LocalObjectStore(folder), {
      get: () => () => Promise.reject(new Error("connection refused")),
    });
    const loaded = await loadChampion(createModelRegistry(failing), propensity);
    expect(loaded).toMatchObject({
      source: "default",
      problem: { code: "registry-unavailable", retry: true },
    });
  });
});
