import { writeFile } from "node:fs/promises";
import { buildDataset, positiveRate, sessionScorers, splitByTime } from "../../ml/index.ts";
import { utf8Decoder } from "../../schema/index.ts";
import { generatedEvents } from "./generated-events.ts";

/**
 * Trains the propensity model that ships, on a generated shop alone (no one's data), and writes
 * `ml/plugins/propensity/default-model.ts`:
 *
 *     npm exec -- node infra/tools/train-default-propensity.ts
 *
 * Two days, so that every hour is seen, at a rate at which a shopper's visits do not run into each
 * other.
 */
const EVENTS_PER_SECOND = 20;
const HOURS = 49;
const SEED = 1;
const TARGET = new URL("../../ml/plugins/propensity/default-model.ts", import.meta.url);

async function main(): Promise<void> {
  const plugin = sessionScorers.find(({ name }) => name === "propensity");
  if (plugin === undefined) throw new Error("there is no plugin propensity");
  const built = await buildDataset(
    plugin,
    generatedEvents(HOURS, { seed: SEED, eventsPerSecond: EVENTS_PER_SECOND }),
    { seed: SEED, rowsMax: 500_000 },
  );
  const { train, validation } = splitByTime(built.dataset, {
    trainShare: 0.8,
    embargoMs: plugin.labels.gapMs,
  });
  const weights = utf8Decoder.decode(await plugin.train(train, { seed: SEED }));
  const candidate = plugin.load(new TextEncoder().encode(weights), "candidate");
  const baseRate = positiveRate(train.labels);
  const report = plugin.evaluate(candidate, validation, baseRate);
  const present = plugin.defaultModel();
  const before = plugin.evaluate(plugin.load(present.weights, present.version), validation, baseRate);
  await writeFile(TARGET, source(weights));
  process.stdout.write(
    `${JSON.stringify({ events: built.events, rows: train.rows, report, before: before.metrics }, null, 2)}\n`,
  );
}

function source(weights: string): string {
  return `// Written by infra/tools/train-default-propensity.ts: do not edit.
import type { LogisticWeights } from "./weights.ts";

export const DEFAULT_MODEL_VERSION = "propensity-default-1";

/** Trained on a generated shop: scores from the first event on, until the shop's own data train a model. */
export const DEFAULT_WEIGHTS: LogisticWeights = ${weights};
`;
}

await main();
