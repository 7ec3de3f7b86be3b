import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { customerEventContract, type EventBatch } from "../../../schema/index.ts";
import { createModelRegistry, loadChampion, type ModelRegistry } from "../../registry/index.ts";
import { readBronze } from "../../training/bronze-reader.ts";
import { createRandom } from "../../training/random.ts";
import type { TrainPluginOptions } from "../../training/train-plugin.ts";
import { FIXTURE_START, TrainingLake } from "../../training/training-lake.fixture.ts";
import { recommend } from "./index.ts";
import { walkingSessions } from "./sessions.fixture.ts";
import { splitVisits } from "./train-on-lake.ts";
import { collectVisits } from "./visit-log.ts";

const MINUTE = 60_000;
/** Visits of users who come back after hours: the items of each, in order of their starts. */
const SESSIONS = walkingSessions(1600, { items: 50, seed: 21 });

interface Visit {
  readonly user: string;
  readonly startMs: number;
  readonly items: readonly number[];
}

/** Of every visit its looks, now and then with what is no look between them. */
function recordsOf(visits: readonly Visit[], seed: number): string[] {
  const random = createRandom(seed);
  const events = visits.flatMap(({ user, startMs, items }) =>
    items.flatMap((item, k) => {
      const look = {
        eventId: `${user}-${startMs}-${k}`,
        eventType: random() < 0.5 ? "page_view" : "item_view",
        eventTime: startMs + k * 1000,
        userId: user,
        productId: `p${item}`,
        ...(item % 2 === 0 ? { categoryId: `c${item % 4}` } : {}),
      };
      const other = { ...look, eventId: `${look.eventId}-x`, eventType: "cart_add" };
      return random() < 0.2 ? [look, other] : [look];
    }),
  );
  return events.sort((a, b) => a.eventTime - b.eventTime).map((event) => JSON.stringify(event));
}

describe("a recommender trained on the lake", () => {
  let lake: TrainingLake;
  let registry: ModelRegistry;
  const visits: Visit[] = SESSIONS.map((items, v) => ({
    user: `u${v % 70}`,
    startMs: FIXTURE_START + v * MINUTE * 0.8,
    items,
  }));
  const bronze = (offsetsPerRead = 50_000): AsyncGenerator<EventBatch> =>
    readBronze({
      engine: lake.engine,
      contract: customerEventContract,
      fields: recommend.fields,
      offsetsPerRead,
    });
  const options = (): TrainPluginOptions => ({
    events: bronze(),
    registry,
    seed: 1,
    trainedAt: FIXTURE_START,
    codeRevision: "test",
    by: "test",
    stopwatch: () => 0,
  });

  beforeAll(async () => {
    lake = await TrainingLake.create();
    registry = createModelRegistry(lake.store);
    const even = visits.filter(({ user }) => Number(user.slice(1)) % 2 === 0);
    await lake.ingest(0, recordsOf(even, 1), 512);
    await lake.ingest(
      1,
      recordsOf(
        visits.filter((visit) => !even.includes(visit)),
        2,
      ),
      97,
    );
  });
  afterAll(() => lake.remove());

  it.each([333, 50_000])("sees the visits as they were, %i offsets read at a time", async (offsets) => {
    const { log, productIds, categoryIds, categories, startsMs } = await collectVisits(bronze(offsets));
    const seen = Array.from(startsMs, (startMs, v) => ({
      startMs,
      items: Array.from(log.items.subarray(log.starts[v], log.starts[v + 1]), (item) => productIds[item]),
    }));
    expect(seen).toEqual(
      visits.map(({ startMs, items }) => ({ startMs, items: items.map((item) => `p${item}`) })),
    );
    expect(productIds).toEqual(productIds.toSorted());
    for (const [item, id] of productIds.entries()) {
      const number = Number(id.slice(1));
      const category = categories.get(item);
      expect(category === undefined ? null : categoryIds[category]).toBe(
        number % 2 === 0 ? `c${number % 4}` : null,
      );
    }
  });

  it("learns from the older visits and is measured on prefixes of the newest tenth", async () => {
    const all = await collectVisits(bronze());
    const { log, productIds, cases, cut } = splitVisits(all);
    expect(cut).toBe(1440);
    expect(log.starts.length - 1).toBe(cut);
    const prefixes = SESSIONS.slice(cut).flatMap((items) =>
      items.slice(1).map((_, k) => items.slice(0, k + 2)),
    );
    expect(cases.targets).toHaveLength(prefixes.length);
    for (const [c, expected] of prefixes.entries()) {
      const items = [...cases.items.subarray(cases.from[c], cases.to[c]), cases.targets[c]];
      expect(items.map((item) => (item < 0 ? null : productIds[item]))).toEqual(
        expected.map((item) => (productIds.includes(`p${item}`) ? `p${item}` : null)),
      );
    }
  });

  it("becomes champion with its card, and answers after it was loaded as before", async () => {
    const { version, card, promoted } = await recommend.trainOnLake(options());
    expect(promoted).toBe(true);
    const { hitRate20, mrr20, coverage } = card.evaluation.metrics;
    expect(mrr20.model).toBeGreaterThan(mrr20.baseline);
    expect(hitRate20.model).toBeGreaterThan(0.5);
    expect(coverage.model).toBeGreaterThan(0.8);
    expect(card.incumbent).toMatchObject({ version: recommend.defaultModel().version, metric: 0 });
    const { scorer, source } = await loadChampion(registry, recommend);
    expect(source).toBe("champion");
    expect(scorer.modelVersion).toBe(version);
    const place = (item: number): number => scorer.productIds.indexOf(`p${item}`);
    const list = scorer.recommend({
      visit: Int32Array.of(place(117)),
      length: 1,
      count: 10,
      category: -1,
      allows: () => true,
    });
    expect(Array.from(list.products.subarray(0, 2), (product) => scorer.productIds[product])).toContain(
      "p127",
    );
    const again = await recommend.trainOnLake(options());
    expect(again.version).toBe(version);
    expect(again.promoted).toBe(false);
  });

  it("is not made of too few visits", async () => {
    const small = await TrainingLake.create();
    try {
      await small.ingest(0, recordsOf(visits.slice(0, 40), 1), 512);
      const events = readBronze({
        engine: small.engine,
        contract: customerEventContract,
        fields: recommend.fields,
      });
      await expect(recommend.trainOnLake({ ...options(), events })).rejects.toMatchObject({
        code: "dataset-unusable",
        message: expect.stringContaining("36 visits before the validation cut"),
      });
    } finally {
      await small.remove();
    }
  });

  it("serves nobody while it is untrained, and refuses a model that is broken", () => {
    const { weights, version } = recommend.defaultModel();
    expect(recommend.load(weights, version).productIds).toEqual([]);
    for (const broken of [new Uint8Array(3), weights.subarray(0, 20), weights.subarray(0, -1)]) {
      expect(() => recommend.load(broken, "v9")).toThrow(
        expect.objectContaining({ code: "model-incompatible" }),
      );
    }
  });
});
