import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { beforeAll, describe, expect, it } from "vitest";
import { runDetector, type TopicRow } from "../../../stream/detectors/testing/run-detector.ts";
import { finalRevisions, type OutputRow, seededRandom } from "../../../stream/operators/testing/drive.ts";
import { searchTerms } from "./index.ts";

const BASE = Date.UTC(2026, 0, 5, 12);
const TERMS = ["shoes", "red shoes", "grün", "", "x".repeat(40)];

/** Searches and other events in disorder, some late, some repeated; event time goes on by half a second. */
function events(seed: number): TopicRow[] {
  const random = seededRandom(seed);
  const rows: TopicRow[] = [];
  for (let i = 0; i < 6000; i++) {
    if (i > 0 && random() < 0.03) {
      rows.push(rows[Math.max(0, i - 1 - Math.floor(random() * 50))]);
      continue;
    }
    const late = random() < 0.05 ? random() * 50_000 : random() * 1900;
    const eventType = random() < 0.4 ? "search" : "page_view";
    const query =
      eventType === "search" && random() < 0.95 ? TERMS[Math.floor(random() * TERMS.length)] : null;
    const row = {
      eventId: `e-${seed}-${i}`,
      eventType,
      eventTime: Math.floor(BASE + i * 500 - late),
      userId: `u${i % 50}`,
      query,
    };
    rows.push({ topic: "customer-events", row });
  }
  return rows;
}

describe.each([1, 2, 3])("searches by term, seed %i", (seed) => {
  const tasks = [events(seed), events(seed + 10)];
  const key = ["term", "window_start"];
  const newest = (result: ReturnType<typeof runDetector>): OutputRow[] =>
    finalRevisions(result.rows.get("gold.search_terms") ?? [], key).map(({ revision: _, ...row }) => row);
  const straight = newest(runDetector(searchTerms, { tasks }));
  let expected: OutputRow[];

  beforeAll(async () => {
    expected = await oracleRows(tasks);
  });

  it("equal the oracle", () => {
    expect(expected.length).toBeGreaterThan(20);
    expect(straight).toEqual(finalRevisions(expected, key));
  });

  it("are the same in any batches, after restores and with repeated blocks", () => {
    const chance = { random: seededRandom(seed), restores: 10 };
    expect(newest(runDetector(searchTerms, { tasks, chance }))).toEqual(straight);
  });
});

/** The oracle over the events: none of them is late beyond the allowed lateness. */
async function oracleRows(tasks: readonly (readonly TopicRow[])[]): Promise<OutputRow[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run(`CREATE TABLE settings AS SELECT 600_000 AS search_terms_window_ms;
      CREATE TABLE admitted_customer_events (at_ms BIGINT, event_type VARCHAR, query VARCHAR, duplicate BOOLEAN, too_late BOOLEAN)`);
    for (const task of tasks) {
      const seen = new Set<unknown>();
      const values = task.map(({ row }) => {
        const duplicate = seen.has(row.eventId);
        seen.add(row.eventId);
        const query = row.query === null ? "NULL" : `'${row.query}'`;
        return `(${row.eventTime}, '${row.eventType}', ${query}, ${duplicate}, false)`;
      });
      await connection.run(`INSERT INTO admitted_customer_events VALUES ${values.join(",")}`);
    }
    const sql = readFileSync(new URL("./oracle/search_terms.sql", import.meta.url), "utf8");
    const result = await connection.runAndReadAll(sql);
    return result
      .getRowObjects()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === "bigint" ? Number(value) : value,
          ]),
        ),
      ) as OutputRow[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
