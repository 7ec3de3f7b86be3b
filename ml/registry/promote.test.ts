import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import type { EvaluationReport } from "../plugin.ts";
import { propensity } from "../plugins/propensity/index.ts";
import type { ModelCard } from "./model-card.ts";
import { createModelRegistry, type ModelRegistry } from "./model-registry.ts";
import { challengeWith, promoteModel, rollBackModel } from "./promote.ts";

const DEFAULT = propensity.defaultModel();
const ANN = { by: "ann", reason: "test", at: Date.UTC(2026, 0, 6), force: false };

let folder: string;
let registry: ModelRegistry;
let day = 1;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-promote-"));
  registry = createModelRegistry(new LocalObjectStore(folder));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Figures {
  readonly logLoss?: number;
  readonly positives?: number;
  readonly calibrationError?: number;
  readonly scoreMicros?: number;
  readonly incumbent?: ModelCard["incumbent"];
  readonly openSessions?: ModelCard["openSessions"];
  readonly baselines?: ModelCard["baselines"];
}

const BUILT_IN = { version: DEFAULT.version, metric: 0.5, advantageMin: 0.01 };

/** A version that the gate lets pass beside an incumbent of log loss .5, but for what is said. */
async function publish(figures: Figures = {}, weights = DEFAULT.weights): Promise<string> {
  const { logLoss = 0.4, positives = 50, calibrationError = 0.01, scoreMicros = 0.1 } = figures;
  const incumbent = figures.incumbent ?? BUILT_IN;
  const evaluation: EvaluationReport = {
    rows: 500,
    positives,
    metrics: {
      logLoss: { model: logLoss, baseline: 0.6 },
      calibrationError: { model: calibrationError, baseline: 0 },
    },
    reliability: [],
  };
  const card = await registry.publish(
    {
      plugin: "propensity",
      trainedAt: new Date(Date.UTC(2026, 0, day++)).toISOString(),
      dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
      rows: { train: 10, validation: 5, unknownLabel: 1 },
      ...(figures.baselines !== undefined && { baselines: figures.baselines }),
      ...(figures.openSessions !== undefined && { openSessions: figures.openSessions }),
      features: propensity.features.flatMap((group) => group.features),
      evaluation,
      incumbent,
      scoreMicros,
      seed: 1,
      codeRevision: "test",
    },
    weights,
  );
  return card.version;
}

const aliases = async () => (await registry.aliasLog("propensity").newest())?.aliases;

describe("a promotion", () => {
  it("takes what is better, calibrated and fast, and keeps what the gate said", async () => {
    const version = await publish();
    const change = await promoteModel(registry, propensity, version, ANN);
    expect(change).toMatchObject({ from: null, to: version, forced: false, by: "ann", reason: "test" });
    expect(change.gate?.checks.map(({ name, passed }) => [name, passed])).toEqual([
      ["beats-champion", true],
      ["beats-baseline", true],
      ["enough-evidence", true],
      ["labels-known", true],
      ["calibrated", true],
      ["fast-enough", true],
    ]);
    expect(await aliases()).toEqual({ champion: version, challenger: null });
  });

  const refusals: Record<string, Figures> = {
    "beats-champion": { logLoss: 0.5 },
    "beats-baseline": { logLoss: 0.6, incumbent: { ...BUILT_IN, metric: 0.7 } },
    "enough-evidence": { positives: 49 },
    "labels-known": { openSessions: "taken-as-ended" },
    calibrated: { calibrationError: 0.051 },
    "fast-enough": { scoreMicros: 0.6 },
  };
  it.each(Object.entries(refusals))(
    "is refused where only %s fails; force goes past it and is kept",
    async (check, figures) => {
      const version = await publish(figures);
      const refused = promoteModel(registry, propensity, version, ANN);
      await expect(refused).rejects.toMatchObject({ code: "promotion-refused" });
      await expect(refused).rejects.toThrow(check);
      expect(await aliases()).toBeUndefined();
      const change = await promoteModel(registry, propensity, version, { ...ANN, force: true });
      expect(change.forced).toBe(true);
      expect(change.gate?.checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual([check]);
    },
  );

  it("is refused where one simple model of the card is better, whatever the naive baseline says", async () => {
    const others = {
      "logistic regression": { logLoss: 0.39 },
      "one rule": { auc: 0.9 },
      other: { logLoss: 0.5 },
    };
    const refused = promoteModel(registry, propensity, await publish({ baselines: others }), ANN);
    await expect(refused).rejects.toThrow(
      "beats-baseline (logLoss 0.4000, logistic regression 0.3900 (lower is better))",
    );
    const better = await publish({ baselines: { ...others, "logistic regression": { logLoss: 0.41 } } });
    expect(await promoteModel(registry, propensity, better, ANN)).toMatchObject({ forced: false });
  });

  it("is refused where the champion is as good but for chance, or the card does not say", async () => {
    for (const advantageMin of [0, -0.001, undefined, null]) {
      const { version, metric } = BUILT_IN;
      const incumbent = { version, metric, ...(advantageMin !== undefined && { advantageMin }) };
      const refused = promoteModel(registry, propensity, await publish({ incumbent }), ANN);
      await expect(refused).rejects.toThrow(
        typeof advantageMin !== "number"
          ? "its card does not say whether that is chance: train again"
          : `by ${advantageMin.toFixed(4)} or more in 95 % of resamples`,
      );
    }
  });

  it("is refused where all but a few rows are positives, too", async () => {
    const refused = promoteModel(registry, propensity, await publish({ positives: 480 }), ANN);
    await expect(refused).rejects.toThrow(
      "enough-evidence (measured on 480 positives and 20 others, at least 50 of each)",
    );
  });

  it("is refused where the card compares with another champion than the present one", async () => {
    const [first, second] = [await publish(), await publish()];
    await promoteModel(registry, propensity, first, ANN);
    await expect(promoteModel(registry, propensity, second, ANN)).rejects.toThrow(`${first} is champion now`);
    const third = await publish({ incumbent: { ...BUILT_IN, version: first } });
    expect(await promoteModel(registry, propensity, third, ANN)).toMatchObject({ from: first, to: third });
    await expect(promoteModel(registry, propensity, third, { ...ANN, force: true })).rejects.toThrow(
      "already",
    );
  });

  it("is refused, forced or not, for what cannot be loaded", async () => {
    const broken = await publish({}, new TextEncoder().encode("{}"));
    for (const version of [broken, "20200101T000000Z-0"]) {
      await expect(
        promoteModel(registry, propensity, version, { ...ANN, force: true }),
      ).rejects.toMatchObject({
        code: version === broken ? "model-incompatible" : "model-missing",
      });
    }
    expect(await aliases()).toBeUndefined();
  });

  it("is put off where the champion cannot be read at this moment, and goes past no gate", async () => {
    const champion = await publish({ logLoss: 0.3 });
    const beside = await publish({ logLoss: 0.49 });
    await promoteModel(registry, propensity, champion, ANN);
    const store = new LocalObjectStore(folder);
    const get = vi.spyOn(store, "get").mockImplementation(async (key) => {
      if (key.includes(champion)) throw new Error("ETIMEDOUT");
      return LocalObjectStore.prototype.get.call(store, key);
    });
    const flaky = createModelRegistry(store);
    for (const force of [false, true]) {
      await expect(promoteModel(flaky, propensity, beside, { ...ANN, force })).rejects.toMatchObject({
        code: "registry-unavailable",
        retry: true,
      });
    }
    expect(await aliases()).toEqual({ champion, challenger: null });
    get.mockRestore();
    await expect(promoteModel(flaky, propensity, beside, ANN)).rejects.toThrow(`${champion} is champion now`);
  });

  it("mends an unusable champion: the gate compares with what scores", async () => {
    const healthy = await publish();
    await registry.aliasLog("propensity").append(0, () => ({
      action: "promote",
      alias: "champion",
      to: "20200101T000000Z-0",
      by: "x",
      reason: "",
      forced: true,
      gate: null,
    }));
    expect(await promoteModel(registry, propensity, healthy, ANN)).toMatchObject({ forced: false });
  });
});

describe("a roll-back", () => {
  it("goes to the champion before, at last to the built-in model, and then no further", async () => {
    const first = await publish();
    await promoteModel(registry, propensity, first, ANN);
    const second = await publish({ incumbent: { ...BUILT_IN, version: first } });
    await promoteModel(registry, propensity, second, ANN);
    const author = { ...ANN, reason: "false alarms" };
    expect(await rollBackModel(registry, propensity, author)).toMatchObject({
      action: "rollback",
      from: second,
      to: first,
      reason: "false alarms",
    });
    expect(await rollBackModel(registry, propensity, author)).toMatchObject({ from: first, to: null });
    await expect(rollBackModel(registry, propensity, author)).rejects.toMatchObject({
      code: "nothing-to-roll-back",
    });
    expect(await aliases()).toEqual({ champion: null, challenger: null });
  });

  it("passes over a champion that cannot be used any more, says so, and does not come back to it", async () => {
    const versions: string[] = [];
    for (const _ of [1, 2, 3]) {
      const incumbent = { ...BUILT_IN, version: versions.at(-1) ?? DEFAULT.version };
      versions.push(await publish({ incumbent }));
      await promoteModel(registry, propensity, versions[versions.length - 1], ANN);
    }
    const [first, second, third] = versions;
    await writeFile(join(folder, "models/propensity", second, "weights"), "{}");
    const change = await rollBackModel(registry, propensity, { ...ANN, reason: "false alarms" });
    expect(change).toMatchObject({ from: third, to: first });
    expect(change.reason).toMatch(
      `false alarms; passed over what cannot be used: the weights of model ${second}`,
    );
    expect(await rollBackModel(registry, propensity, ANN)).toMatchObject({
      from: first,
      to: null,
      reason: "test",
    });
    await expect(rollBackModel(registry, propensity, ANN)).rejects.toMatchObject({
      code: "nothing-to-roll-back",
    });
    // As promotions go on, so do roll-backs.
    const fourth = await publish();
    await promoteModel(registry, propensity, fourth, ANN);
    expect(await rollBackModel(registry, propensity, ANN)).toMatchObject({ from: fourth, to: null });
  });

  it("goes to the built-in model where all before it are damaged, and nowhere while the store is away", async () => {
    const first = await publish();
    await promoteModel(registry, propensity, first, ANN);
    const second = await publish({ incumbent: { ...BUILT_IN, version: first } });
    await promoteModel(registry, propensity, second, ANN);
    const store = new LocalObjectStore(folder);
    vi.spyOn(store, "get").mockImplementation(async (key) => {
      if (key.includes(first)) throw new Error("ETIMEDOUT");
      return LocalObjectStore.prototype.get.call(store, key);
    });
    await expect(rollBackModel(createModelRegistry(store), propensity, ANN)).rejects.toMatchObject({
      code: "registry-unavailable",
    });
    await writeFile(join(folder, "models/propensity", first, "card.json"), "{");
    expect(await rollBackModel(registry, propensity, ANN)).toMatchObject({ from: second, to: null });
  });
});

it("a challenger stays beside the champion until it becomes champion", async () => {
  const version = await publish();
  await challengeWith(registry, propensity, version, ANN);
  expect(await aliases()).toEqual({ champion: null, challenger: version });
  await promoteModel(registry, propensity, version, ANN);
  expect(await aliases()).toEqual({ champion: version, challenger: null });
  expect(await challengeWith(registry, propensity, version, ANN)).toBeNull();
});
