import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModelRegistry } from "../../../ml/index.ts";
import { goldModelHealth } from "../../../schema/index.ts";
import { TestApi, taskOf } from "../../server/api.fixture.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 5);
const RANGE = `from: "2026-01-05T00:00:00Z", to: "2026-01-05T02:00:00Z"`;
const at = (hours: number) => new Date(T0 + hours * HOUR);

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

describe("models", () => {
  it("are the versions with their figures, and who made which one champion", async () => {
    const registry = createModelRegistry(api.lake.objectStore);
    const { version } = await registry.publish(
      {
        plugin: "propensity",
        trainedAt: at(0).toISOString(),
        dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
        rows: { train: 10, validation: 5, unknownLabel: 1 },
        features: [],
        evaluation: {
          rows: 5,
          positives: 1,
          metrics: { auc: { model: 0.8, baseline: 0.5 } },
          reliability: [],
        },
        incumbent: { version: "built-in", metric: 0.5 },
        seed: 1,
        codeRevision: "test",
      },
      new Uint8Array(1),
    );
    await registry.aliasLog("propensity").append(T0, () => ({
      action: "promote",
      alias: "champion",
      to: version,
      by: "ann",
      reason: "better",
      forced: false,
      gate: null,
    }));
    const query = `query($plugin: String!) { models(plugin: $plugin) { champion challenger
      versions { version alias trainedAt trainRows figures { name model baseline } scoreMicros }
      changes { sequence by action alias from to reason forced } } }`;
    expect((await api.data(query, { plugin: "propensity" })).models).toEqual({
      champion: version,
      challenger: null,
      versions: [
        {
          version,
          alias: "champion",
          trainedAt: "2026-01-05T00:00:00.000Z",
          trainRows: 10,
          figures: [{ name: "auc", model: 0.8, baseline: 0.5 }],
          scoreMicros: null,
        },
      ],
      changes: [
        {
          sequence: 1,
          by: "ann",
          action: "promote",
          alias: "champion",
          from: null,
          to: version,
          reason: "better",
          forced: false,
        },
      ],
    });
    const damaged = "models/propensity/20260101T000000Z-damaged/card.json";
    await api.lake.objectStore.put(damaged, new TextEncoder().encode("{"));
    const { models } = await api.data(query, { plugin: "propensity" });
    expect(models).toMatchObject({ champion: version, versions: [{ version }] });
    expect((await api.data(query, { plugin: "fraud" })).models).toMatchObject({ versions: [], changes: [] });
  });
});

it.each([
  "models(plugin: $plugin) { champion }",
  `modelHealth(plugin: $plugin, ${RANGE}) { windows { scores } }`,
])("a plugin that there is not is an error that names those that there are: %s", async (field) => {
  for (const plugin of ["propensty", "forecast", "../secrets"]) {
    const { errors } = await api.query(`query($plugin: String!) { ${field} }`, { plugin });
    expect(errors?.[0]).toMatchObject({
      message: `There is no plugin "${plugin}". There are: fraud, propensity, recommend.`,
      extensions: { code: "invalid-argument", origin: "user" },
    });
  }
});

describe("the health of models", () => {
  const row = (partition: number, hour: number, figures: object) => ({
    plugin: "propensity",
    model_version: "m1",
    window_start: at(hour),
    window_end: at(hour + 1),
    scores: 0,
    feature_stability: "{}",
    labels: 0,
    positives: 0,
    true_positives: 0,
    false_positives: 0,
    _partition: partition,
    ...figures,
  });
  const query = `{ modelHealth(plugin: "propensity", ${RANGE}) {
    windows { modelVersion windowStart scores scoreMean scoreStability featureStability { feature index }
      labels precision recall calibrationError challengerVersion challengerMicros } } }`;

  it("is added up over the tasks: means by what each of them counted", async () => {
    expect((await api.data(query)).modelHealth).toEqual({ windows: [] });
    await api.commit(goldModelHealth, [
      row(0, 0, {
        scores: 300,
        score_mean: 0.2,
        score_stability: 0.1,
        feature_stability: '{"price":0.4,"hour":0.1}',
        labels: 10,
        positives: 4,
        true_positives: 3,
        false_positives: 1,
        calibration_error: 0.1,
        challenger_version: "m2",
        challenger_micros: 3,
      }),
      row(1, 0, {
        scores: 100,
        score_mean: 0.6,
        labels: 30,
        positives: 6,
        true_positives: 2,
        calibration_error: 0.3,
      }),
      row(1, 1, { scores: 5, score_mean: 0.5 }),
      row(1, 2, { scores: 1 }),
    ]);
    const { windows } = (await api.data(query)).modelHealth;
    expect(windows).toHaveLength(2);
    expect(windows[0]).toMatchObject({
      windowStart: "2026-01-05T01:00:00.000Z",
      scores: 5,
      precision: null,
      recall: null,
      scoreStability: null,
      challengerVersion: null,
    });
    expect(windows[1]).toMatchObject({
      modelVersion: "m1",
      scores: 400,
      featureStability: [
        { feature: "price", index: 0.4 },
        { feature: "hour", index: 0.1 },
      ],
      labels: 40,
      precision: 5 / 6,
      recall: 0.5,
      challengerVersion: "m2",
      challengerMicros: 3,
    });
    expect(windows[1].scoreMean).toBeCloseTo(0.3, 12);
    // Of the tasks that know it.
    expect(windows[1].scoreStability).toBeCloseTo(0.1, 12);
    expect(windows[1].calibrationError).toBeCloseTo((10 * 0.1 + 30 * 0.3) / 40, 12);
  });

  it("is among the metrics, by task and version", async () => {
    const health = {
      version: "m0",
      rows: 40,
      meanScore: 0.3,
      scoreStability: 0.02,
      featureStability: [{ feature: "price", index: 0.31 }],
      labels: 9,
      positives: 3,
      truePositives: 2,
      falsePositives: 0,
      precision: 1,
      recall: 2 / 3,
      calibrationError: null,
    };
    const model = {
      plugin: "propensity",
      champion: "m1",
      challenger: "m2",
      championMicros: 0.1,
      challengerMicros: 4,
      unfollowedScores: 12,
      failedScores: 3,
      lateLabels: 5,
    };
    api.tasks = [taskOf({ taskId: "events-0", models: [{ ...model, health }] })];
    const text = await (await fetch(`${api.server.url}/metrics`)).text();
    const labels = '{task="events-0",plugin="propensity",version="m0"}';
    for (const [name, value] of Object.entries({
      scores: 40,
      score_stability: 0.02,
      feature_stability_max: 0.31,
      precision: 1,
    })) {
      expect(text).toContain(`millrace_model_${name}${labels} ${value}\n`);
    }
    expect(text).toContain(`millrace_model_shadow_score_micros${labels.replace("m0", "m1")} 4\n`);
    expect(text).not.toContain("millrace_model_calibration_error{");
    expect(text).toContain(
      'millrace_model_unfollowed_scores_total{task="events-0",plugin="propensity"} 12\n',
    );
    expect(text).toContain('millrace_model_failed_scores_total{task="events-0",plugin="propensity"} 3\n');
    expect(text).toContain('millrace_model_late_labels_total{task="events-0",plugin="propensity"} 5\n');
  });

  it("of forecasts is among the metrics once some of them came due", async () => {
    const metrics = async () => (await fetch(`${api.server.url}/metrics`)).text();
    expect(await metrics()).not.toContain("millrace_forecast_coverage_80{");
    const day = { forecasts: 40, coverage80: 0.775, coverage95: 0.95, wape: null, bias: null };
    api.forecasts = { day, week: null };
    const text = await metrics();
    for (const [name, value] of Object.entries({ due: 40, coverage_80: 0.775, coverage_95: 0.95 }))
      expect(text).toContain(`millrace_forecast_${name}{step="day"} ${value}\n`);
    expect(text).not.toContain("millrace_forecast_wape{");
    expect(text).not.toContain('step="week"');
  });
});
