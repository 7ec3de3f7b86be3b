import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type CustomerEvent, type CustomerEventBatch, customerEventContract } from "../../../schema/index.ts";
import { createDedupe, defaultDedupeConfig } from "../../operators/dedupe.ts";
import { createProductTable } from "../../operators/product-table.ts";
import { createSessionize, defaultSessionizeConfig } from "../../operators/sessionize.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  driveBatch,
  driveEnd,
  finalRevisions,
  type OutputRow,
  randomCuts,
  seededRandom,
} from "../../operators/testing/drive.ts";
import { createKeys, makeBatch } from "../../operators/testing/make-batch.ts";
import { Oracle } from "../../operators/testing/oracle.ts";
import { UserRecords } from "../../operators/user-records.ts";
import type { Operator } from "../../runtime/operator.ts";
import { defaultTimeConfig, WatermarkTracker } from "../../time/index.ts";
import type { DetectorDeps } from "../detector.ts";
import { type FunnelRecord, funnel, goldFunnel } from "./index.ts";

const START = Date.UTC(2026, 0, 5, 21);
const WITHIN_MS = 900_000;
const CONFIG = { funnelWithinMs: WITHIN_MS, funnelCheckoutImplied: false, funnelReportMs: 600_000 };
type Config = typeof CONFIG;

/** Visits of few users over five hours around midnight, in disorder, some of it late, too late or repeated. */
function randomVisits(seed: number, count: number): CustomerEvent[] {
  const random = seededRandom(seed);
  const types = ["page_view", "item_view", "item_view", "click", "cart_add", "checkout", "purchase"] as const;
  const delay = () => {
    const kind = random();
    return random() * (kind < 0.8 ? 2000 : kind < 0.97 ? 62_000 : 400_000);
  };
  const events: CustomerEvent[] = [];
  let clock = START;
  for (let i = 0; i < count; i++) {
    clock += random() < 0.004 ? 3_000_000 * random() : (18_000_000 / count) * 2 * random();
    if (events.length > 0 && random() < 0.03) {
      events.push(events[Math.max(0, events.length - 1 - Math.floor(random() * 100))]);
      continue;
    }
    events.push({
      eventId: `e-${seed}-${i}`,
      // To the second, so that steps of one time are common.
      eventTime: Math.floor((clock - delay()) / 1000) * 1000,
      eventType: types[Math.floor(random() * types.length)],
      userId: `user-${Math.floor(random() ** 2 * 40)}`,
      categoryId: random() < 0.4 ? null : `cat-${Math.floor(random() * 3)}`,
      device: random() < 0.2 ? null : ["mobile", "desktop"][Math.floor(random() * 2)],
      country: random() < 0.2 ? null : ["FR", "DE"][Math.floor(random() * 2)],
    });
  }
  return events;
}

function createTask(name: string, config: Config, blocks: Uint8Array[]) {
  const keys = createKeys();
  const outputs = new CollectedOutputs();
  const time = defaultTimeConfig;
  const tracker = new WatermarkTracker("watermark", time);
  const dedupe = createDedupe<CustomerEventBatch>(defaultDedupeConfig, {
    time,
    eventId: (batch) => batch.eventId,
    eventTime: (batch) => batch.eventTime,
  });
  for (const dictionary of Object.values(keys)) dedupe.state.dictionary(dictionary);
  const sessionize = createSessionize(defaultSessionizeConfig, { keys, outputs, time });
  const deps: DetectorDeps = {
    keys,
    outputs,
    time,
    products: createProductTable({ keys }),
    sessions: sessionize.sessions,
    userRecords: new UserRecords(keys.userId, 60_000),
    taskId: name,
    hotTtlMs: 60_000,
    sendBlock(_stream, bytes, sequence) {
      if (sequence !== null) expect(sequence).toBe(blocks.length);
      blocks.push(bytes);
    },
  };
  const step = funnel.create(config, deps).steps["customer-events"] as Operator<CustomerEventBatch>;
  return { keys, tracker, operators: [dedupe, sessionize, step] };
}

/** The first stage over a task's events, cut and restored where it is said. */
function runTask(
  name: string,
  events: readonly CustomerEvent[],
  options: { config?: Config; cuts?: readonly number[]; restoreAt?: readonly number[] } = {},
): Uint8Array[] {
  const { config = CONFIG, cuts = [0, events.length], restoreAt = [] } = options;
  const blocks: Uint8Array[] = [];
  let task = createTask(name, config, blocks);
  for (let i = 1; i < cuts.length; i++) {
    const rows = events.slice(cuts[i - 1], cuts[i]) as never;
    const batch = makeBatch<CustomerEventBatch>(customerEventContract, rows, { keys: task.keys });
    driveBatch(batch, batch.eventTime, task.tracker, task.operators);
    if (!restoreAt.includes(i)) continue;
    const next = createTask(name, config, blocks);
    copyState(
      [task.tracker.state, ...task.operators.map((o) => o.state)],
      [next.tracker.state, ...next.operators.map((o) => o.state)],
    );
    next.tracker.afterRestore();
    for (const operator of next.operators) operator.afterRestore?.();
    for (const operator of next.operators) operator.advance(next.tracker.progress);
    task = next;
  }
  driveEnd(task.operators);
  return blocks;
}

function runCombiner(
  tasks: readonly (readonly Uint8Array[])[],
  random: () => number,
): { rows: readonly OutputRow[]; hot: FunnelRecord } {
  const create = () => {
    const outputs = new CollectedOutputs();
    const sourceTasks = tasks.map((_, i) => `task-${i}`);
    const combiner = funnel.combine!(CONFIG, { outputs, sourceTasks, time: defaultTimeConfig, hotTtlMs: 1 });
    return { outputs, combiner };
  };
  const next = tasks.map(() => 0);
  const rows: OutputRow[] = [];
  let hot = "";
  let part = create();
  const collect = () => {
    part.combiner.emitSome?.(Number.POSITIVE_INFINITY);
    rows.push(...part.outputs.table("gold.funnel"));
    const values = new CollectedHot();
    part.combiner.flushHot?.(values);
    hot = values.values().get("funnel/latest") ?? hot;
  };
  while (next.some((at, task) => at < tasks[task].length)) {
    const task = Math.floor(random() * tasks.length);
    if (next[task] >= tasks[task].length) continue;
    const repeats = random() < 0.05 ? 3 : 0;
    const from = Math.max(0, next[task] - repeats);
    for (const block of tasks[task].slice(from, next[task] + 1)) {
      const shifted = Buffer.alloc(block.length + 13);
      shifted.set(block, 5);
      part.combiner.fold(shifted, 5, 5 + block.length);
      // The log's next batch lies in the same memory.
      shifted.fill(0xff);
      // Of some blocks nothing, of some a part, of some all is added before the next one.
      if (random() < 0.5) part.combiner.emitSome?.(1 + Math.floor(random() * 100));
    }
    next[task] += 1;
    if (random() > 0.02) continue;
    collect();
    const restored = create();
    copyState([part.combiner.state], [restored.combiner.state]);
    restored.combiner.afterRestore?.();
    part = restored;
  }
  collect();
  return { rows, hot: JSON.parse(hot) as FunnelRecord };
}

async function oracleRows(
  tasks: readonly (readonly CustomerEvent[])[],
  config: Config,
): Promise<OutputRow[]> {
  const oracle = await Oracle.open(tasks);
  const text = (value: string | null | undefined) => (value == null ? "NULL" : `'${value}'`);
  const extra = tasks.flatMap((events, partition) =>
    events.map((event, i) => `(${partition}, ${i}, ${text(event.device)}, ${text(event.country)})`),
  );
  await oracle.query(
    `CREATE TABLE extra AS FROM (VALUES ${extra.join(",")}) t(partition, log_offset, device, country)`,
  );
  await oracle.query(`CREATE TABLE admitted_customer_events AS SELECT *, event_time_ms AS at_ms, log_offset AS _offset
    FROM admitted JOIN extra USING (partition, log_offset)`);
  await oracle.query(`CREATE OR REPLACE TABLE settings AS SELECT *, ${config.funnelWithinMs} AS funnel_within_ms,
    ${config.funnelCheckoutImplied} AS funnel_checkout_implied FROM settings`);
  const sql = await readFile(new URL("./oracle/funnel.sql", import.meta.url), "utf8");
  const rows = await oracle.query(sql);
  oracle.close();
  return rows;
}

const idOf = (row: OutputRow) => goldFunnel.key.map((name) => row[name]).join("|");
const sorted = (rows: readonly OutputRow[]) => [...rows].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

/** What holds at the end. */
function held(rows: readonly OutputRow[]): OutputRow[] {
  const newest = finalRevisions(rows, goldFunnel.key).filter(({ views }) => views !== 0);
  return sorted(newest.map(({ revision: _, ...row }) => row));
}

describe("funnel", () => {
  it.each([1, 2, 3])(
    "counts the journeys of every day and group as SQL does, whatever the disorder (seed %i)",
    async (seed) => {
      const tasks = [randomVisits(seed, 3000), randomVisits(seed + 100, 2000)].map((events, i) =>
        events.map((event) => ({ ...event, userId: `${event.userId}-${i}` })),
      );
      const random = seededRandom(seed);
      const blocks = tasks.map((events, i) => {
        const cuts = randomCuts(events.length, 24, random);
        const cut = runTask(`task-${i}`, events, { cuts, restoreAt: [5, 11, 12] });
        expect(cut).toEqual(runTask(`task-${i}`, events));
        return cut;
      });
      const { rows, hot } = runCombiner(blocks, random);
      const expected = sorted(await oracleRows(tasks, CONFIG));
      expect(held(rows)).toEqual(expected);
      expect(expected.filter(({ purchases }) => Number(purchases) > 0).length).toBeGreaterThan(20);
      expect(rows.some(({ revision }) => Number(revision) > 1)).toBe(true);
      const newest = expected.filter(({ window_start }) => window_start === hot.windowStart);
      for (const { basis, steps } of hot.funnels) {
        const own = newest.filter((row) => row.basis === basis);
        const sum = (name: string) => own.reduce((total, row) => total + Number(row[name]), 0);
        expect(steps.map(({ journeys }) => journeys)).toEqual(
          ["views", "carts", "checkouts", "purchases"].map(sum),
        );
      }
    },
  );

  it("takes a purchase as the checkout that a shop does not send, where it is told to", async () => {
    const config = { ...CONFIG, funnelCheckoutImplied: true };
    const events = randomVisits(7, 2000).filter(({ eventType }) => eventType !== "checkout");
    const { rows } = runCombiner([runTask("task-0", events, { config })], seededRandom(7));
    const expected = sorted(await oracleRows([events], config));
    expect(held(rows)).toEqual(expected);
    expect(expected.some(({ purchases }) => Number(purchases) > 0)).toBe(true);
  });

  it("refuses a time for journeys in which events may still come in any order", () => {
    expect(funnel.problems?.({ ...CONFIG, funnelWithinMs: 60_000 }, defaultTimeConfig)).toEqual([
      expect.stringContaining("must be above 63000"),
    ]);
    expect(funnel.problems?.(CONFIG, defaultTimeConfig)).toEqual([]);
  });
});
