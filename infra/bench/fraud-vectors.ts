import { FRAUD_FEATURES, replayBronzeOrders } from "../../ml/index.ts";
import { createShopEvents, endOfInput, SHOP_DEFAULTS, SHOP_TOPICS } from "../../stream/index.ts";
import { Platform, type PlatformLogger } from "../platform/platform.ts";
import { BenchHomes } from "./bench-homes.ts";
import { benchConfig } from "./reference-job.ts";

/**
 * Whether fraud's feature vectors are the same live and in training, bit for bit: a generated shop runs
 * through the real platform, then its orders are replayed from the bronze tables of the lake.
 * `node infra/bench/fraud-vectors.ts [EVENTS]`, a million unless told; exits with 1 where a vector differs or is
 * missing. `infra/scenarios/fraud.test.ts` does so for 15 minutes of a shop.
 */

const PARTITIONS = 2;
const SHOP = { seed: 31, startTime: SHOP_DEFAULTS.startTime, eventsPerSecond: 200, labelDelayMs: 600_000 };
/** Small: topics come as evenly as from a live shop. */
const CHUNK_RECORDS = 500;
const STEP_MS = 60_000;

const events = Number(process.argv[2] ?? 1_000_000);
if (!Number.isInteger(events) || events < 1) {
  process.stderr.write("fraud-vectors: give a number of events, 1 or more\n");
  process.exit(2);
}
const homes = new BenchHomes(null);
try {
  const result = await homes.use(measure);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = result.differing + result.missing === 0 ? 0 : 1;
} finally {
  homes.close();
}

async function measure(home: string) {
  const start = performance.now();
  const tell = (_fields: object, message: string): void => void process.stderr.write(`${message}\n`);
  const logger: PlatformLogger = { info: () => undefined, warn: tell, error: tell };
  const platform = await Platform.open(benchConfig(home, { partitions: PARTITIONS }), logger);
  try {
    await platform.startWorkers();
    const shop = createShopEvents(SHOP, () => PARTITIONS);
    let appended = 0;
    for (let end = SHOP.startTime + STEP_MS; appended < events; end += STEP_MS) {
      for (let batches = shop.until(end, CHUNK_RECORDS); batches !== null; ) {
        for (const { topic, count } of batches) if (topic === "customer-events") appended += count;
        if (batches.length > 0) await platform.log.append(batches);
        batches = shop.until(end, CHUNK_RECORDS);
      }
    }
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    await platform.log.append(
      SHOP_TOPICS.flatMap((topic) => partitions.map((partition) => endOfInput(topic, partition))),
    );
    await platform.waitUntilProcessed();
    const liveSeconds = (performance.now() - start) / 1000;
    const { rows } = await platform.queryEngine.query(
      "SELECT _partition, _offset, features FROM {gold.fraud_scores}",
      [],
    );
    const live = new Map(
      rows.map((row) => [`${Number(row._partition)}/${Number(row._offset)}`, String(row.features)]),
    );
    let [compared, differing] = [0, 0];
    await replayBronzeOrders({
      engine: platform.queryEngine,
      onOrder({ partition, offset, vector }) {
        const text = live.get(`${partition}/${offset}`);
        if (text === undefined) return;
        compared++;
        const feature = firstDifference(text, vector);
        if (feature === null) return;
        differing++;
        process.stderr.write(`${feature} of the order at ${partition}/${offset} differs\n`);
      },
    });
    const seconds = (performance.now() - start) / 1000 - liveSeconds;
    return {
      events: appended,
      orders: rows.length,
      compared,
      differing,
      missing: rows.length - compared,
      liveSeconds: Math.round(liveSeconds),
      replaySeconds: Math.round(seconds),
    };
  } finally {
    await platform.close();
  }
}

/** JSON gives each double back as it was, but for the sign of 0; a missing value is null. */
function firstDifference(text: string, vector: Float64Array): string | null {
  const live: readonly (number | null)[] = JSON.parse(text);
  if (live.length !== vector.length) return "the number of features";
  const place = live.findIndex((value, j) => {
    const other = vector[j];
    return value === null ? !Number.isNaN(other) : value !== other;
  });
  return place < 0 ? null : FRAUD_FEATURES[place];
}
