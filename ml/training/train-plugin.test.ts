import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import { propensity } from "../plugins/propensity/index.ts";
import { createModelRegistry, type ModelRegistry } from "../registry/model-registry.ts";
import { trainingResult } from "../report/training-result.ts";
import { buildDataset } from "./dataset.ts";
import { brier, logLoss, positiveRate } from "./metrics.ts";
import { batches, shopperEvents } from "./shopper-events.fixture.ts";
import { splitByTime } from "./split.ts";
import { type TrainedModel, trainPlugin } from "./train-plugin.ts";

let folder: string;
let registry: ModelRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-train-"));
  registry = createModelRegistry(new LocalObjectStore(folder));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const train = (events: number): Promise<TrainedModel> =>
  trainPlugin(propensity, {
    events: batches(shopperEvents(events, 3), 100),
    registry,
    seed: 1,
    trainedAt: Date.UTC(2026, 0, 6),
    codeRevision: "test",
    by: "test",
    stopwatch: () => 0,
  });

describe("training on sessions", () => {
  it("refuses events that end before any session does, and publishes nothing", async () => {
    await expect(train(100)).rejects.toMatchObject({
      code: "dataset-unusable",
      message: expect.stringMatching(/^no label is known: all 100 vectors .* train on a longer history/),
    });
    expect(await registry.versions("propensity")).toEqual([]);
  });

  it("says on card and report that labels were assumed, and the gate does not let it pass", async () => {
    const model = await train(250);
    const { card, promoted } = model;
    expect(promoted).toBe(false);
    expect(card).toMatchObject({ openSessions: "taken-as-ended", straddling: "in-training" });
    expect(card.rows.unknownLabel).toBeGreaterThan(125);
    expect(trainingResult(model, propensity.primaryMetric)).toMatchObject({
      openSessions: "taken-as-ended",
      straddling: "in-training",
    });
    const changes = await registry.aliasLog("propensity").changes();
    expect(changes.at(-1)?.reason).toContain(`labels-known (${card.rows.unknownLabel} rows are of sessions`);
  });

  it("holds the model against the rate of the training rows, not of those that it is measured on", async () => {
    const events = shopperEvents(8000, 3);
    const { dataset } = await buildDataset(propensity, batches(events, 100), { seed: 1 });
    const split = splitByTime(dataset, { trainShare: 0.8, embargoMs: propensity.labels.gapMs });
    const rate = positiveRate(split.train.labels);
    const { labels } = split.validation;
    expect(Math.abs(rate - positiveRate(labels))).toBeGreaterThan(0.001);
    const naive = { scores: new Float64Array(labels.length).fill(rate), labels };
    const { metrics } = (await train(8000)).card.evaluation;
    expect(metrics.logLoss.baseline).toBeCloseTo(logLoss(naive), 12);
    expect(metrics.brier.baseline).toBeCloseTo(brier(naive), 12);
  });

  it("leaves open sessions out where most have ended, which the gate lets pass", async () => {
    const { card } = await train(8000);
    expect(card).toMatchObject({ openSessions: "left-out", straddling: "left-out" });
    expect(card.rows.unknownLabel).toBeGreaterThan(0);
    const reason = (await registry.aliasLog("propensity").changes()).at(-1)?.reason;
    expect(reason).not.toContain("labels-known");
  });
});
