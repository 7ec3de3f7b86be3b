import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { type Dataset, FRAUD_FEATURES, OrderSamples, orderScorers } from "../../ml/index.ts";
import type { ShopOptions } from "../../stream/index.ts";
import { replayGeneratedOrders } from "./generated-orders.ts";

/**
 * Trains the fraud model that ships, on generated shops alone (no one's data), and writes
 * `ml/plugins/fraud/default-model.ts`:
 *
 *     npm exec -- node infra/tools/train-default-fraud.ts
 *
 * Shops of different rates, with rings from frequent to rare, whose topics arrive evenly or in lumps;
 * `infra/bench/fraud-rings.ts` measures on other seeds.
 */
const SHOPS: readonly (Partial<ShopOptions> & { minutes: number; chunkRecords: number })[] = [
  { seed: 1, minutes: 45, chunkRecords: 16 },
  { seed: 2, minutes: 45, chunkRecords: 8192 },
  { seed: 3, minutes: 120, chunkRecords: 16, eventsPerSecond: 60, fraudRingEveryMs: 300_000 },
  { seed: 4, minutes: 60, chunkRecords: 512, users: 4000, fraudRingEveryMs: 120_000 },
  {
    seed: 5,
    minutes: 300,
    chunkRecords: 64,
    eventsPerSecond: 30,
    labelDelayMs: 3_600_000,
    fraudRingEveryMs: 600_000,
  },
];
const PARTITIONS = 2;
const SEED = 1;
const LINE_LENGTH = 100;
const TARGET = new URL("../../ml/plugins/fraud/default-model.ts", import.meta.url);

/** All shops one after the other in time, so that the newest quarter is of every kind. */
function datasetOf(): Dataset {
  const parts = SHOPS.map((shop) => {
    const samples = new OrderSamples(FRAUD_FEATURES, 200_000);
    const { verdicts, endMs } = replayGeneratedOrders(shop, PARTITIONS, (order) => samples.add(order));
    const { dataset, unknown } = samples.dataset({ verdicts, nowMs: endMs });
    const frauds = dataset.labels.reduce((sum, label) => sum + label, 0);
    process.stderr.write(`shop ${shop.seed}: ${dataset.rows} orders, ${frauds} frauds, ${unknown} unknown\n`);
    return dataset;
  });
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const joined = {
    featureNames: FRAUD_FEATURES,
    rows,
    vectors: new Float64Array(rows * FRAUD_FEATURES.length),
    labels: new Float64Array(rows),
    times: new Float64Array(rows),
    groups: Int32Array.from({ length: rows }, (_, row) => row),
  };
  let at = 0;
  for (const part of parts) {
    joined.vectors.set(part.vectors, at * FRAUD_FEATURES.length);
    joined.labels.set(part.labels, at);
    // The share of its shop's orders that came before: the split by time cuts each shop at the same place.
    joined.times.set(
      part.times.map((_, row) => row / part.rows),
      at,
    );
    at += part.rows;
  }
  return joined;
}

async function main(): Promise<void> {
  const plugin = orderScorers.find(({ name }) => name === "fraud");
  if (plugin === undefined) throw new Error("there is no plugin fraud");
  const weights = await plugin.train(datasetOf(), {
    seed: SEED,
    onProgress: (message) => process.stderr.write(`${message}\n`),
  });
  const text = gzipSync(weights, { level: 9 }).toString("base64");
  const lines = text.match(new RegExp(`.{1,${LINE_LENGTH}}`, "g")) ?? [];
  await writeFile(TARGET, source(lines));
  const { classifier, thresholds } = plugin.load(weights, "default");
  process.stdout.write(
    `${JSON.stringify({ classifier, thresholds, bytes: weights.length, gzipped: text.length })}\n`,
  );
}

function source(lines: readonly string[]): string {
  return `// Written by infra/tools/train-default-fraud.ts: do not edit.

export const DEFAULT_MODEL_VERSION = "fraud-default-1";

/** Gzipped weights in base64, trained on generated shops: scores until the shop's own data train a model. */
export const DEFAULT_MODEL: readonly string[] = [
${lines.map((line) => `  "${line}",`).join("\n")}
];
`;
}

await main();
