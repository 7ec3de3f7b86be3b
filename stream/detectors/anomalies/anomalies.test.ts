import { describe, expect, it } from "vitest";
import { customerEventContract, tableName } from "../../../schema/index.ts";
import { finalRevisions, type OutputRow, seededRandom } from "../../operators/testing/drive.ts";
import type { PlainRow } from "../../operators/testing/make-batch.ts";
import { runDetector } from "../testing/run-detector.ts";
import { topicOracle } from "../testing/topic-oracle.ts";
import { anomalies } from "./index.ts";

const WINDOW_MS = 900_000;
const SETTINGS = { anomaliesWindowMs: WINDOW_MS, anomaliesThreshold: 4, anomaliesExpectedMin: 20 };
/** A Monday. */
const START = Date.UTC(2026, 0, 5);
const PER_DAY = 96;
const topic = "customer-events";

interface Plant {
  readonly metric: string;
  readonly first: number;
  readonly windows: number;
  readonly direction: "above" | "below";
}

interface Shop {
  readonly rows: readonly PlainRow[];
  readonly plants: readonly Plant[];
}

/**
 * Weeks of a shop with days, nights and weekends, growth, arrivals that come in bursts, and hours in which
 * nothing was received. One purchase a window and currency stands for the revenue of the window.
 */
function makeShop(
  seed: number,
  { weeks, planted }: { readonly weeks: number; readonly planted: number },
): Shop {
  const random = seededRandom(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const currencies = { EUR: 4000, GBP: 400 };
  const windows = weeks * 7 * PER_DAY;
  const plants: Plant[] = [];
  for (const currency of Object.keys(currencies)) {
    for (let i = 0; i < planted; i++) {
      // By day, from the fifth week on, a day apart at least.
      const day = 28 + Math.floor(((weeks - 4) * 7 * (i + 0.5)) / planted);
      const first = day * PER_DAY + 36 + Math.floor(random() * 40);
      const direction = random() < 0.5 ? "above" : "below";
      plants.push({ metric: `revenue:${currency}`, first, windows: 2 + Math.floor(random() * 3), direction });
    }
  }
  const rows: PlainRow[] = [];
  let missing = 0;
  for (let window = 0; window < windows; window++) {
    if (window % 4 === 0) missing = random() < 0.01 ? 4 * (1 + Math.floor(random() * 8)) : missing;
    const isPlanted = plants.some(({ first }) => window >= first && window < first + 4);
    if (missing-- > 0 && !isPlanted) continue;
    for (const [currency, base] of Object.entries(currencies)) {
      const hour = Math.floor(window / 4) % 24;
      const weekend = Math.floor(window / PER_DAY) % 7 >= 5 ? 0.6 : 1;
      const shape =
        (1 + 0.8 * Math.sin(((hour - 9) / 24) * 2 * Math.PI)) * weekend * 1.01 ** (window / 7 / PER_DAY);
      const mean = base * shape;
      const plant = plants.find(
        ({ metric, first, windows: length }) =>
          metric === `revenue:${currency}` && window >= first && window < first + length,
      );
      const factor = plant === undefined ? 1 : plant.direction === "above" ? 3 : 0.1;
      const value = Math.max(0, Math.round(factor * mean + Math.sqrt(factor * mean * 8) * gauss()));
      rows.push({
        eventId: `e-${window}-${currency}`,
        eventType: "purchase",
        eventTime: START + window * WINDOW_MS + Math.floor(random() * WINDOW_MS),
        userId: "u",
        priceMinor: value,
        currency,
      });
    }
  }
  // In the order of time, but for three in a hundred that come late.
  const arrival = new Map(
    rows.map((row) => [row, Number(row.eventTime) + (random() < 0.03 ? 60_000 * random() : 0)]),
  );
  return { rows: rows.sort((a, b) => Number(arrival.get(a)) - Number(arrival.get(b))), plants };
}

function run(rows: readonly PlainRow[], random?: () => number) {
  const records = rows.map((row) => ({ topic, row }));
  // Two tasks, of which each has every other record.
  const tasks = [0, 1].map((task) => records.filter((_, i) => i % 2 === task));
  return runDetector(anomalies, {
    settings: SETTINGS,
    tasks,
    ...(random !== undefined && { chance: { random, restores: 4 } }),
  });
}

const held = (rows: readonly OutputRow[], key: readonly string[]): OutputRow[] =>
  finalRevisions(rows, key).filter(({ status }) => status !== "retracted");

describe("anomalies", () => {
  it("finds what is planted within two windows, and raises no more than one false alarm in 1,000 windows", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { rows, plants } = makeShop(seed, { weeks: 8, planted: 10 });
      const result = run(rows);
      const found = held(result.rows.get("gold.anomalies") ?? [], ["alert_id"]);
      const windowOf = (row: OutputRow) => (Number(row.window_start) - START) / WINDOW_MS;
      const within = (row: OutputRow, { metric, first, windows }: Plant, length = windows) =>
        row.metric === metric && windowOf(row) >= first && windowOf(row) < first + length;
      const hits = plants.filter((plant) =>
        found.some((row) => within(row, plant, 2) && row.direction === plant.direction),
      );
      const isTrue = (row: OutputRow) => plants.some((plant) => within(row, plant));
      const falseAlarms = found.filter((row) => !isTrue(row)).length;
      const judged = (result.rows.get("gold.metrics") ?? []).filter(
        (row) =>
          windowOf(row) > 24 * PER_DAY &&
          Number(row.expected) >= SETTINGS.anomaliesExpectedMin &&
          !isTrue(row),
      ).length;
      const precision = (found.length - falseAlarms) / found.length;
      const recall = hits.length / plants.length;
      const rate = (1000 * falseAlarms) / judged;
      console.info(
        `seed ${seed}: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}, ${rate.toFixed(2)} false alarms in 1,000 of ${judged} windows`,
      );
      expect(rate).toBeLessThanOrEqual(1);
      expect(recall).toBe(1);
    }
  });

  it("judges every window as SQL does, whatever the order of the blocks", async () => {
    const { rows } = makeShop(7, { weeks: 6, planted: 5 });
    const result = run(rows, seededRandom(7));
    const tasks = [0, 1].map((task) => rows.filter((_, i) => i % 2 === task));
    const expected = await topicOracle(anomalies, customerEventContract, tasks, SETTINGS);
    for (const table of anomalies.tables) {
      const name = tableName(table);
      const idOf = (row: OutputRow) => table.key.map((column) => row[column]).join("|");
      const sorted = (of: readonly OutputRow[]) => [...of].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
      const newest = held(result.rows.get(name) ?? [], table.key).map(({ revision: _, ...row }) => row);
      expect(sorted(newest)).toEqual(sorted(expected.get(name) ?? []));
    }
    expect(expected.get("gold.anomalies")?.length).toBeGreaterThan(10);
  });
});
