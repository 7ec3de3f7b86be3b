import { afterEach, beforeEach, expect, test } from "vitest";
import { eventLoopScheduling, noStageClock, type Pipeline } from "../../stream/index.ts";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import type { Adapters } from "./adapters.ts";
import { openEmbeddedAdapters } from "./embedded-adapters.ts";
import { platformConfig } from "./platform-config.ts";
import { openStreamModels } from "./stream-models.ts";
import { INSIGHTS_TASK, platformTopics } from "./topics.ts";
import { warmUp } from "./warm-up.ts";
import { pipelineFactory } from "./worker-setup.ts";

let home: string;
let adapters: Adapters;
beforeEach(async () => {
  home = freshFolder("warm-up");
  adapters = openEmbeddedAdapters(home, Date.now);
  await adapters.log.createTopics(platformTopics(scenarioConfig(home, {})));
});
afterEach(async () => {
  await adapters.close();
  removeFolder(home);
});

/** The pipelines that a warm-up made, in turn. */
async function warmedUp(isOver: (pipelines: readonly Pipeline[]) => boolean): Promise<Pipeline[]> {
  const config = platformConfig(scenarioConfig(home, { partitions: 1 }));
  const models = await openStreamModels({ adapters, clock: Date.now, warn: () => undefined });
  const create = pipelineFactory(
    { config, adapters, models, stopwatch: () => performance.now(), stageClock: noStageClock },
    "warm-up",
  );
  const pipelines: Pipeline[] = [];
  await warmUp({
    createPipeline(taskId, outbox) {
      const pipeline = create(taskId, outbox);
      pipelines.push(pipeline);
      return pipeline;
    },
    scheduling: { after: (_, callback) => eventLoopScheduling.after(0, callback) },
    isOver: () => isOver(pipelines),
  });
  return pipelines;
}

test("runs what tasks run: events are taken, windows close, both stages write rows and go on from images", async () => {
  const pipelines = await warmedUp(() => false);
  const first = pipelines.filter(({ taskId }) => taskId !== INSIGHTS_TASK);
  const second = pipelines.filter(({ taskId }) => taskId === INSIGHTS_TASK);
  const processed = first.reduce((sum, pipeline) => sum + pipeline.counters().processed, 0);
  const refused = first.reduce((sum, pipeline) => sum + pipeline.counters().refused, 0);
  expect(processed).toBeGreaterThan(30_000);
  expect(refused).toBeLessThan(processed / 100);
  expect(first.length).toBeGreaterThan(3);
  expect(second.reduce((sum, pipeline) => sum + pipeline.counters().processed, 0)).toBeGreaterThan(100);
  const tables = new Set(pipelines.flatMap(({ sinks }) => sinks.map(({ table }) => table.name)));
  for (const name of ["customer_events", "page_views_by_user", "product_activity", "fraud_scores"])
    expect([...tables]).toContain(name);
  expect(Number(second.at(-1)?.watermarkMs())).toBeGreaterThan(Number(second[0].watermarkMs()));
  expect(first.at(-1)?.watermarkMs()).toBeGreaterThan(Number(first[0].watermarkMs()));
  // Nothing of it went anywhere.
  for (const { name } of await adapters.log.topics())
    expect(await adapters.log.offsets(name, 0)).toEqual({ begin: 0, end: 0 });
  for (const prefix of ["lake/", "checkpoints/"])
    for await (const { key } of adapters.objects.list(prefix)) expect.unreachable(`${key} was written`);
});

test("ends where somebody waits for the thread", async () => {
  const pipelines = await warmedUp(([first]) => first.counters().processed > 1000);
  expect(pipelines).toHaveLength(2);
  expect(pipelines[0].counters().processed).toBeLessThan(4000);
});
