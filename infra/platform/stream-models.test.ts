import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import { createModelRegistry } from "../../ml/index.ts";
import type { Alert, AlertBus } from "../../stream/index.ts";
import { openStreamModels, refreshModels } from "./stream-models.ts";

let folder: string;
let published: Alert[];
let busFails: boolean;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-stream-models-"));
  published = [];
  busFails = false;
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open() {
  const objects = new LocalObjectStore(folder);
  const alertBus: AlertBus = {
    async publish(alerts) {
      if (busFails) throw new Error("no broker");
      published.push(...alerts);
    },
    subscribe: () => {
      throw new Error("nobody subscribes here");
    },
    position: async () => "0",
    close: async () => undefined,
  };
  const models = openStreamModels({
    adapters: { objects, alertBus },
    clock: () => 1_700_000_000_000,
    warn: (message) => warnings.push(message),
  });
  return { models, registry: createModelRegistry(objects) };
}

const name = (version: string) => ({
  action: "promote" as const,
  alias: "champion" as const,
  to: version,
  by: "test",
  reason: "",
  forced: true,
  gate: null,
});

describe("the models of a worker", () => {
  it("start with those that are built in, without a word", async () => {
    const { propensity, fraud, recommend } = await open().models;
    for (const { plugin, slot } of [propensity, fraud, recommend]) {
      expect(slot.models.champion.modelVersion).toBe(plugin.defaultModel().version);
    }
    expect([published, warnings]).toEqual([[], []]);
  });

  it("raise an alert with an id that every worker gives it, and warn, where a champion is unusable", async () => {
    const { models, registry } = open();
    const { propensity, refresh } = await models;
    await registry.aliasLog("propensity").append(0, () => name("20200101T000000Z-0"));
    await refresh();
    await refresh();
    const { version } = propensity.plugin.defaultModel();
    expect(published).toMatchObject([
      {
        id: "model-problem:propensity:champion:1:model-missing",
        kind: "model-problem",
        severity: "high",
        eventTime: 1_700_000_000_000,
        figures: { plugin: "propensity", code: "model-missing", scoring: version },
      },
    ]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`${version} goes on scoring`);
    await open().models;
    expect(published[1].id).toBe(published[0].id);
  });

  it("say so where the alert cannot be published, and go on", async () => {
    const { models, registry } = open();
    busFails = true;
    await registry.aliasLog("fraud").append(0, () => name("20200101T000000Z-0"));
    const { refresh, fraud } = await models;
    await refresh();
    await Promise.resolve();
    expect(warnings.join("\n")).toContain("is not published: Error: no broker");
    expect(fraud.slot.models.champion.modelVersion).toBe(fraud.plugin.defaultModel().version);
  });
});

describe("refreshing at an interval", () => {
  it("is one refresh after another, by the given clock, until it is stopped", async () => {
    const due: (() => void)[] = [];
    const answers: (() => void)[] = [];
    const waits: number[] = [];
    let refreshes = 0;
    const stop = refreshModels(
      {
        refresh: () => {
          refreshes++;
          return new Promise((resolve) => answers.push(resolve));
        },
      },
      250,
      {
        after(ms, callback) {
          waits.push(ms);
          due.push(callback);
          return () => void due.splice(due.indexOf(callback), 1);
        },
      },
    );
    due.shift()?.();
    expect([refreshes, due.length]).toEqual([1, 0]);
    answers.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect([refreshes, due.length]).toEqual([1, 1]);
    expect(waits).toEqual([250, 250]);
    stop();
    expect(due).toEqual([]);
  });
});
