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

  /** Past every check: what a champion can become after it was one. */
  const setChampion = (version: string) =>
    registry.aliasLog("propensity").append(0, () => ({
      action: "promote",
      alias: "champion",
      to: version,
      by: "test",
      reason: "",
      forced: true,
      gate: null,
    }));
  const publishChampion = async (bytes = weights, draft = DRAFT): Promise<ModelCard> => {
    const card = await registry.publish(draft, bytes);
    await setChampion(card.version);
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
      "model-missing": () => setChampion("20200101T000000Z-0"),
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
  });

  it("falls back to the last good champion before an unusable one", async () => {
    const good = await publishChampion();
    await publishChampion(weights, { ...DRAFT, trainedAt: "2026-01-06T06:00:00.000Z" }).then(({ version }) =>
      writeFile(join(folder, `models/propensity/${version}/weights`), "{"),
    );
    const loaded = await loadChampion(registry, propensity);
    expect(loaded).toMatchObject({ source: "earlier", card: good, problem: { code: "model-corrupt" } });
  });

  const bins = { min: 0, max: 1, edges: [0.5], shares: [0, 0.5, 0.5, 0] };
  const edits: readonly [string, (card: ModelCard) => object, string][] = [
    [
      "only its version",
      ({ version, weightsSha256 }) => ({ version, weightsSha256 }),
      "plugin is missing, not a text",
    ],
    [
      "no reference of features",
      (card) => ({ ...card, reference: { score: bins } }),
      "reference.features is missing",
    ],
    [
      "bins of another form",
      (card) => ({ ...card, reference: { score: { quantiles: [1] }, features: {} } }),
      "reference.score.min is missing, not a number",
    ],
    [
      "too few shares",
      (card) => ({ ...card, reference: { score: bins, features: { price: { ...bins, shares: [1] } } } }),
      "reference.features.price.shares has 1 entries, not 4",
    ],
    [
      "a figure that was none when it was stored",
      (card) => ({ ...card, incumbent: { ...card.incumbent, metric: Number.NaN } }),
      "incumbent.metric is null, not a number",
    ],
    ["a wrong time", (card) => ({ ...card, trainedAt: "yesterday" }), 'trainedAt is "yesterday", not a time'],
    ["features that are no list", (card) => ({ ...card, features: {} }), "features is an object, not a list"],
  ];
  it.each(edits)("takes no card with %s, and says which file and field", async (_, edit, message) => {
    const card = await publishChampion();
    const key = `models/propensity/${card.version}/card.json`;
    await writeFile(join(folder, key), JSON.stringify(edit(card)));
    await expect(registry.get("propensity", card.version)).rejects.toMatchObject({
      code: "model-corrupt",
      message: expect.stringContaining(`${key} is no card: ${message}`),
    });
    expect(await loadChampion(registry, propensity)).toMatchObject({
      source: "default",
      problem: { code: "model-corrupt" },
    });
  });

  it("takes a card with fields of later versions, and one with all of today's", async () => {
    const reference = { score: bins, features: { price: bins } };
    const evaluation = {
      rows: 5,
      positives: 1,
      metrics: { auc: { model: 0.8, baseline: 0.5 } },
      reliability: [{ rows: 5, meanScore: 0.2, rate: 0.2 }],
    };
    const draft = {
      ...DRAFT,
      evaluation,
      baselines: { simple: { auc: 0.6 } },
      scoreMicros: 1,
      reference,
      later: [1],
    };
    const card = await registry.publish(draft, weights);
    expect(await registry.card("propensity", card.version)).toEqual(card);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("publishes no card with a figure of %s", async (figure) => {
    const draft = { ...DRAFT, incumbent: { version: "propensity-default-1", metric: figure } };
    await expect(registry.publish(draft, weights)).rejects.toMatchObject({
      code: "card-unusable",
      message: expect.stringContaining(`its card's incumbent.metric is ${figure}, not a number`),
    });
    const objects: string[] = [];
    for await (const { key } of new LocalObjectStore(folder).list("models/")) objects.push(key);
    expect(objects).toEqual([]);
  });

  it("names an unreadable change of the aliases, and gets over it by the next change", async () => {
    const good = await publishChampion();
    await setChampion("20200101T000000Z-0");
    await writeFile(join(folder, "models/propensity/changes/0000000002.json"), "\u0000");
    expect(await loadChampion(registry, propensity)).toMatchObject({
      source: "earlier",
      problem: { code: "model-corrupt" },
    });
    const later = await registry.publish({ ...DRAFT, trainedAt: "2026-01-07T00:00:00.000Z" }, weights);
    expect(await setChampion(later.version)).toMatchObject({ sequence: 3, from: good.version });
    expect((await loadChampion(registry, propensity)).source).toBe("champion");
  });

  it("falls back to the default where the store fails", async () => {
    const failing = new Proxy(new LocalObjectStore(folder), {
      get: (_, name) => () => {
        const refused = Promise.reject(new Error("connection refused"));
        return name === "list" ? { [Symbol.asyncIterator]: () => ({ next: () => refused }) } : refused;
      },
    });
    const loaded = await loadChampion(createModelRegistry(failing), propensity);
    expect(loaded).toMatchObject({
      source: "default",
      problem: { code: "registry-unavailable", retry: true },
    });
  });
});
