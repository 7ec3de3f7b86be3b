import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CustomerEventBatch,
  customerEventContract,
  type EventBatch,
  RowFlag,
} from "../../schema/index.ts";
import { createFeatureSet, EventTypeCode, type FeatureSet, featureNames } from "../features/index.ts";
import type { FeatureKeys } from "../plugin.ts";
import { propensity } from "../plugins/propensity/index.ts";
import { createModelRegistry, loadChampion } from "../registry/index.ts";
import { readBronze } from "./bronze-reader.ts";
import { buildDataset } from "./dataset.ts";
import { trainPlugin } from "./train-plugin.ts";
import { FIXTURE_START, shopperRecords, TrainingLake } from "./training-lake.fixture.ts";

const WIDTH = featureNames(propensity).length;
const RECORDS = [shopperRecords(7000, 101), shopperRecords(5000, 102)];

/** The vector after each event that is no duplicate, by log position. */
class VectorTrace {
  readonly vectors = new Map<string, Buffer>();
  private readonly sets = new Map<number, FeatureSet<CustomerEventBatch>>();

  fold(batch: CustomerEventBatch, keys: FeatureKeys): void {
    let set = this.sets.get(batch.partition);
    if (set === undefined) {
      set = createFeatureSet(propensity, keys);
      this.sets.set(batch.partition, set);
    }
    set.ensure();
    for (let row = 0; row < batch.length; row++) {
      if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
      const vector = new Float64Array(WIDTH);
      set.fold(batch, row);
      set.read(batch.userId.ids[row], batch.eventTime.values[row], vector, 0);
      this.vectors.set(`${batch.partition}/${batch.offset[row]}`, Buffer.from(vector.buffer));
    }
  }
}

function keysOf(batch: EventBatch): FeatureKeys {
  const { userId, productId } = batch as CustomerEventBatch;
  return { userId: userId.dictionary, productId: productId.dictionary, categoryId: productId.dictionary };
}

describe("vectors live and offline", () => {
  let lake: TrainingLake;
  const live = new VectorTrace();

  const bronze = (offsetsPerRead: number): AsyncGenerator<EventBatch> =>
    readBronze({
      engine: lake.engine,
      contract: customerEventContract,
      fields: propensity.fields,
      offsetsPerRead,
    });

  beforeAll(async () => {
    lake = await TrainingLake.create();
    await lake.ingest(0, RECORDS[0], 512, (batch, keys) => live.fold(batch, keys));
    await lake.ingest(1, RECORDS[1], 61, (batch, keys) => live.fold(batch, keys));
  });
  afterAll(() => lake.remove());

  it.each([999, 50_000])("are equal byte for byte, bronze read %i offsets at a time", async (offsets) => {
    const offline = new VectorTrace();
    for await (const batch of bronze(offsets)) offline.fold(batch as CustomerEventBatch, keysOf(batch));
    expect(offline.vectors.size).toBe(live.vectors.size);
    expect(live.vectors.size).toBeGreaterThan(11_000);
    for (const [position, vector] of live.vectors) {
      if (!vector.equals(offline.vectors.get(position) as Buffer)) {
        expect.fail(`the vectors at ${position} differ`);
      }
    }
  });

  it("give the training set that a replay of the log itself gives", async () => {
    const fromBronze = await buildDataset(propensity, bronze(1234), { seed: 3, rowsMax: 5000 });
    const again = await buildDataset(propensity, bronze(50_000), { seed: 3, rowsMax: 5000 });
    expect(again).toEqual(fromBronze);
    expect(fromBronze.events).toBe(live.vectors.size);
    const known = new Set([...live.vectors.values()].map((vector) => vector.toString("base64")));
    for (let row = 0; row < fromBronze.dataset.rows; row++) {
      const vector = fromBronze.dataset.vectors.slice(row * WIDTH, (row + 1) * WIDTH);
      expect(known.has(Buffer.from(vector.buffer).toString("base64"))).toBe(true);
    }
  });

  it("train a model that becomes champion with its card, the same for the same seed", async () => {
    const registry = createModelRegistry(lake.store);
    const options = {
      registry,
      seed: 7,
      trainedAt: FIXTURE_START,
      codeRevision: "test",
      by: "test",
      stopwatch: () => 0,
    };
    const first = await trainPlugin(propensity, { ...options, events: bronze(5000), promote: "always" });
    expect(first.card.evaluation.rows).toBe(first.card.rows.validation);
    expect(first.card.features).toEqual(featureNames(propensity));
    const loaded = await loadChampion(registry, propensity);
    expect(loaded).toMatchObject({ source: "champion", card: first.card, problem: null });

    const second = await trainPlugin(propensity, { ...options, events: bronze(777) });
    expect(second.version).toBe(first.version);
    expect(second.promoted).toBe(false);
    const changes = await registry.aliasLog("propensity").changes();
    expect(changes).toMatchObject([{ action: "promote", to: first.version, from: null, by: "test" }]);
  });

  it("say what to do where there is nothing to train on", async () => {
    const empty = await TrainingLake.create();
    try {
      const events = readBronze({
        engine: empty.engine,
        contract: customerEventContract,
        fields: propensity.fields,
      });
      await expect(events.next()).rejects.toMatchObject({ code: "dataset-unusable", origin: "user" });
    } finally {
      await empty.remove();
    }
  });

  it("read event types at the codes of the contract", () => {
    const symbols = customerEventContract.fields.find((field) => field.name === "eventType")?.symbols;
    expect(Object.keys(EventTypeCode)).toEqual(symbols);
    expect(Object.values(EventTypeCode)).toEqual(symbols?.map((_, code) => code));
  });
});
