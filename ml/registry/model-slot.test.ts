import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { propensity } from "../plugins/propensity/index.ts";
import { createModelRegistry, type ModelRegistry } from "./model-registry.ts";
import { type ModelProblem, ModelSlot } from "./model-slot.ts";

const { weights, version: builtIn } = propensity.defaultModel();

let folder: string;
let registry: ModelRegistry;
let isDown: boolean;
let lookUps: number;
let problems: ModelProblem[];
let day: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-slot-"));
  isDown = false;
  lookUps = 0;
  problems = [];
  day = 1;
  const store = new LocalObjectStore(folder);
  const watched: ObjectStore = {
    put: (key, bytes, options) => store.put(key, bytes, options),
    get: (key) => asked(() => store.get(key)),
    head: (key) => asked(() => store.head(key)),
    async *list(prefix) {
      await asked(async () => undefined);
      yield* store.list(prefix);
    },
    delete: (keys) => store.delete(keys),
    uri: (key) => store.uri(key),
  };
  registry = createModelRegistry(watched);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function asked<T>(answer: () => Promise<T>): Promise<T> {
  lookUps++;
  if (isDown) throw new Error("connection refused");
  return answer();
}

const openSlot = () =>
  ModelSlot.open(propensity, { registry, onProblem: (problem) => problems.push(problem) });

async function publish(bytes = weights): Promise<string> {
  const { version } = await registry.publish(
    {
      plugin: "propensity",
      trainedAt: new Date(Date.UTC(2026, 0, day++)).toISOString(),
      dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
      rows: { train: 10, validation: 5, unknownLabel: 1 },
      features: propensity.features.flatMap((group) => group.features),
      evaluation: { rows: 5, positives: 1, metrics: {}, reliability: [] },
      incumbent: { version: builtIn, metric: 0.5 },
      seed: 1,
      codeRevision: "test",
    },
    bytes,
  );
  return version;
}

const give = (alias: "champion" | "challenger", to: string | null) =>
  registry
    .aliasLog("propensity")
    .append(0, () => ({ action: "promote", alias, to, by: "test", reason: "", forced: true, gate: null }));

const serving = ({ models }: ModelSlot) => [
  models.champion.modelVersion,
  models.challenger?.modelVersion ?? null,
];

describe("the slot of a running worker", () => {
  it("takes up champion and challenger at the next refresh, and a roll-back too", async () => {
    const slot = await openSlot();
    expect(serving(slot)).toEqual([builtIn, null]);
    const [first, second] = [await publish(), await publish()];
    await give("challenger", first);
    expect(serving(slot)).toEqual([builtIn, null]);
    await slot.refresh();
    expect(serving(slot)).toEqual([builtIn, first]);
    await give("champion", first);
    await give("challenger", second);
    await slot.refresh();
    expect(serving(slot)).toEqual([first, second]);
    expect(slot.models.card?.version).toBe(first);
    await give("champion", null);
    await slot.refresh();
    expect(serving(slot)).toEqual([builtIn, second]);
    expect(slot.models.card).toBeNull();
    expect(problems).toEqual([]);
  });

  it("keeps the same models where nothing changed, for one look-up", async () => {
    await give("champion", await publish());
    const slot = await openSlot();
    const before = slot.models;
    lookUps = 0;
    await Promise.all([slot.refresh(), slot.refresh()]);
    expect(lookUps).toBe(1);
    expect(slot.models).toBe(before);
  });

  const broken: Record<string, () => Promise<string>> = {
    "model-missing": async () => "20200101T000000Z-0",
    "model-corrupt": async () => {
      const version = await publish();
      await writeFile(join(folder, `models/propensity/${version}/weights`), "{");
      return version;
    },
    "model-incompatible": () => publish(new TextEncoder().encode('{"format":"other"}')),
  };
  it.each(Object.entries(broken))(
    "goes on with the last good model where the new one is %s, and tells of it once",
    async (code, make) => {
      const good = await publish();
      await give("champion", good);
      const slot = await openSlot();
      await give("champion", await make());
      await slot.refresh();
      await slot.refresh();
      expect(serving(slot)).toEqual([good, null]);
      expect(problems).toMatchObject([
        { plugin: "propensity", alias: "champion", error: { code }, scoring: good, sequence: 2 },
      ]);
      // A worker that starts now finds the same.
      expect(serving(await openSlot())).toEqual([good, null]);
      const healthy = await publish();
      await give("champion", healthy);
      await slot.refresh();
      expect(serving(slot)).toEqual([healthy, null]);
    },
  );

  it("leaves out an unusable challenger, and keeps the champion", async () => {
    const slot = await openSlot();
    await give("challenger", await publish(new TextEncoder().encode("{}")));
    await slot.refresh();
    expect(serving(slot)).toEqual([builtIn, null]);
    expect(problems).toMatchObject([{ alias: "challenger", scoring: null }]);
  });

  it("outlasts a registry that is down, tells of each outage once, and looks again after it", async () => {
    const first = await publish();
    await give("champion", first);
    const slot = await openSlot();
    const second = await publish();
    await give("champion", second);
    isDown = true;
    for (let i = 0; i < 3; i++) await slot.refresh();
    expect(serving(slot)).toEqual([first, null]);
    expect(problems).toMatchObject([
      { error: { code: "registry-unavailable", retry: true }, scoring: first },
    ]);
    isDown = false;
    await slot.refresh();
    expect(serving(slot)).toEqual([second, null]);
    isDown = true;
    await slot.refresh();
    expect(problems).toHaveLength(2);
  });

  it("opens with the built-in model where the registry is down", async () => {
    isDown = true;
    const slot = await openSlot();
    expect(serving(slot)).toEqual([builtIn, null]);
    expect(problems).toMatchObject([{ error: { code: "registry-unavailable" }, scoring: builtIn }]);
  });
});
