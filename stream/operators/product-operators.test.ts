import { describe, expect, it } from "vitest";
import {
  type CustomerEvent,
  type CustomerEventBatch,
  customerEventContract,
  hashBytes,
} from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";
import { defaultTimeConfig, WatermarkTracker } from "../time/index.ts";
import { createDedupe, defaultDedupeConfig } from "./dedupe.ts";
import { PaneBlockKind, PaneBlockWriter, PRODUCT_CHANNEL } from "./pane-block.ts";
import {
  boundariesBehindPanes,
  createProductInsights,
  defaultProductInsightsConfig,
} from "./product-insights.ts";
import { createProductPanes, defaultProductPanesConfig } from "./product-panes.ts";
import { createProductTable } from "./product-table.ts";
import {
  CollectedHot,
  CollectedOutputs,
  copyState,
  driveBatch,
  driveEnd,
  finalRevisions,
  interleaveBlocks,
  type OutputRow,
  randomCuts,
  seededRandom,
} from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";
import { Oracle } from "./testing/oracle.ts";
import { type RandomEventsOptions, randomEvents } from "./testing/random-events.ts";

const SEEDS = [11, 12, 13];
const CONFIG = {
  ...defaultProductInsightsConfig,
  flashSale: { windowMs: 600_000, viewsOver: 25, purchasesUnder: 4 },
  popular: { ...defaultProductInsightsConfig.popular, top: 8 },
};
const SETTINGS = { flash_views_over: 25, flash_purchases_under: 4, popular_top: 8 };

/** One task's first stage over its events. */
function runPanes(
  name: string,
  events: readonly CustomerEvent[],
  cuts: readonly number[],
  restoreAt: readonly number[] = [],
) {
  const blocks: Uint8Array[] = [];
  const create = () => {
    const keys = createKeys();
    const outputs = new CollectedOutputs();
    const time = defaultTimeConfig;
    const tracker = new WatermarkTracker("watermark", time);
    const dedupe = createDedupe<CustomerEventBatch>(defaultDedupeConfig, {
      time,
      eventId: (batch) => batch.eventId,
      eventTime: (batch) => batch.eventTime,
    });
    const panes = createProductPanes(defaultProductPanesConfig, {
      keys,
      products: createProductTable({ keys }),
      time,
      sourceTask: name,
      emitPanes: (bytes, sequence) => {
        expect(sequence).toBe(blocks.length);
        blocks.push(bytes);
      },
    });
    for (const dictionary of Object.values(keys)) dedupe.state.dictionary(dictionary);
    return { keys, outputs, tracker, operators: [dedupe, panes], panes };
  };
  let task = create();
  for (let i = 1; i < cuts.length; i++) {
    const rows = events.slice(cuts[i - 1], cuts[i]);
    const batch = makeBatch<CustomerEventBatch>(customerEventContract, rows as never, { keys: task.keys });
    driveBatch(batch, batch.eventTime, task.tracker, task.operators);
    if (!restoreAt.includes(i)) continue;
    const next = create();
    copyState(
      [task.tracker.state, ...task.operators.map((o) => o.state)],
      [next.tracker.state, ...next.operators.map((o) => o.state)],
    );
    next.tracker.afterRestore();
    for (const operator of next.operators) operator.afterRestore?.();
    // The runtime may repeat the last advance after a restore: it must change nothing.
    for (const operator of next.operators) operator.advance(next.tracker.progress);
    task = next;
  }
  driveEnd(task.operators);
  return { blocks, idle: task.panes.idleBlock() };
}

/** Random events whose products now and then are of another category. */
function changingEvents(options: RandomEventsOptions): CustomerEvent[] {
  return randomEvents(options).map((event, i) =>
    i % 700 < 4 && event.categoryId !== null ? { ...event, categoryId: `cat-${i % 3}` } : event,
  );
}

interface InsightsRun {
  readonly rows: Map<string, OutputRow[]>;
  readonly alerts: Alert[];
  readonly hot: Map<string, string>;
}

function runInsights(
  sourceTasks: readonly string[],
  blocks: readonly Uint8Array[],
  restoreAt: readonly number[] = [],
): InsightsRun {
  const run: InsightsRun = { rows: new Map(), alerts: [], hot: new Map() };
  let outputs = new CollectedOutputs();
  let insights = createInsights(sourceTasks, outputs);
  const collect = (): void => {
    insights.emitSome(Number.POSITIVE_INFINITY);
    for (const name of outputs.rows.keys())
      run.rows.set(name, [...(run.rows.get(name) ?? []), ...outputs.table(name)]);
    run.alerts.push(...outputs.alerts);
    const hot = new CollectedHot();
    insights.flushHot(hot);
    for (const [key, value] of hot.values()) run.hot.set(key, value);
  };
  for (const [i, block] of blocks.entries()) {
    const shifted = Buffer.alloc(block.length + 13);
    shifted.set(block, 5);
    insights.fold(shifted, 5, 5 + block.length);
    // The log's next batch lies in the same memory.
    shifted.fill(0xff);
    // Of some reports nothing, of some a part, of some all is emitted before the next block.
    for (let turn = 0; turn < i % 4; turn++) insights.emitSome(100);
    if (!restoreAt.includes(i)) continue;
    collect();
    outputs = new CollectedOutputs();
    const next = createInsights(sourceTasks, outputs);
    copyState([insights.state], [next.state]);
    next.afterRestore();
    insights = next;
  }
  collect();
  return run;
}

function createInsights(sourceTasks: readonly string[], outputs: CollectedOutputs) {
  return createProductInsights(CONFIG, { sourceTasks, outputs });
}

function compare(actual: readonly OutputRow[], expected: readonly OutputRow[], key: readonly string[]): void {
  const id = (row: OutputRow): string => key.map((name) => row[name]).join("\u0000");
  const sort = (rows: readonly OutputRow[]): OutputRow[] =>
    [...rows].sort((a, b) => (id(a) < id(b) ? -1 : 1));
  const final = finalRevisions(actual, key).map(({ revision: _, ...row }) => row);
  expect(sort(final)).toEqual(sort(expected));
}

async function compareWithOracle(run: InsightsRun, oracle: Oracle): Promise<void> {
  const rowsOf = (name: string): OutputRow[] => run.rows.get(`gold.${name}`) ?? [];
  compare(rowsOf("product_activity"), await oracle.rows("product-activity"), ["product_id", "window_start"]);
  const raised = finalRevisions(rowsOf("flash_sale_alerts"), ["alert_id"]).filter(
    (row) => row.status === "raised",
  );
  const expectedFlash = await oracle.rows("flash-sale-alerts");
  compare(raised, expectedFlash, ["alert_id"]);
  expect(expectedFlash.length).toBeGreaterThan(5);
  const popular = finalRevisions(rowsOf("popular_products"), ["window_start", "rank"]);
  const expectedPopular = await oracle.rows("popular-products");
  const round = (row: OutputRow): OutputRow => ({ ...row, score: Number(Number(row.score).toPrecision(9)) });
  compare(popular.map(round), expectedPopular.map(round), ["window_start", "rank"]);
  const byCategory = rowsOf("popular_by_category");
  const newest = new Map<unknown, number>();
  for (const { window_start, revision } of byCategory)
    newest.set(window_start, Math.max(newest.get(window_start) ?? 0, Number(revision)));
  const held = byCategory.filter(({ window_start, revision }) => revision === newest.get(window_start));
  const expectedByCategory = await oracle.rows("popular-by-category");
  expect(expectedByCategory.length).toBeGreaterThan(100);
  compare(held, expectedByCategory, ["window_start", "category_id", "rank"]);
}

describe.each(SEEDS)("product operators on random events, seed %i", (seed) => {
  const events = changingEvents({ seed, count: 8000, stepMs: 500 });
  const { blocks } = runPanes("events-0", events, [0, events.length]);
  const straight = runInsights(["events-0"], blocks);

  it("equal the oracle over the raw events", async () => {
    const oracle = await Oracle.open([events], SETTINGS);
    await compareWithOracle(straight, oracle);
    const statuses = straight.rows.get("gold.product_activity") ?? [];
    expect(statuses.some((row) => Number(row.revision) > 1)).toBe(true);
    oracle.close();
  });

  it("send the same blocks however the log is cut, and when restored in between", () => {
    const random = seededRandom(seed * 7919);
    const cut = runPanes("events-0", events, randomCuts(events.length, 200, random), [7, 50, 51, 133]);
    expect(cut.blocks).toEqual(blocks);
  });

  it("write the same rows, alerts and hot values when the second stage is restored in between", () => {
    const at = [3, 4, 40, Math.floor(blocks.length / 2), blocks.length - 2];
    const resumed = runInsights(["events-0"], blocks, at);
    expect(resumed).toEqual(straight);
  });

  it("alert once per run of windows, at its start", () => {
    const raised = (straight.rows.get("gold.flash_sale_alerts") ?? []).filter((row) => row.revision === 1);
    const firsts = straight.alerts.filter((alert) => alert.revision === 1);
    expect(firsts.length).toBeGreaterThan(0);
    expect(firsts.length).toBeLessThan(raised.length);
    for (const alert of straight.alerts.filter(({ status }) => status === "retracted")) {
      expect(firsts.some(({ id }) => id === alert.id)).toBe(true);
    }
  });

  const halves = (): CustomerEvent[][] => {
    const utf8 = new TextEncoder();
    const taskOf = (event: CustomerEvent): number => {
      const bytes = utf8.encode(event.userId);
      return (hashBytes(bytes, 0, bytes.length) >>> 0) % 2;
    };
    return [0, 1].map((task) => events.filter((event) => taskOf(event) === task));
  };

  it("add up the panes of several tasks in any order, with repeated blocks and one task idle", async () => {
    const random = seededRandom(seed);
    const parts = halves();
    const tasks = parts.map((part, i) => runPanes(`events-${i}`, part, [0, part.length]).blocks);
    const idle = runPanes("events-2", [], [0]).idle;
    const merged = [idle, ...interleaveBlocks(tasks, random)];
    const run = runInsights(["events-0", "events-1", "events-2"], merged, [20, merged.length - 4]);
    const oracle = await Oracle.open(parts, SETTINGS);
    await compareWithOracle(run, oracle);
    oracle.close();
  });

  it("lose nothing of a task that was idle and begins when another has long come to its end", async () => {
    const parts = halves();
    const [first, second] = parts.map((part, i) => runPanes(`events-${i}`, part, [0, part.length]));
    const blocks = [second.idle, ...first.blocks, ...second.blocks];
    const run = runInsights(["events-0", "events-1"], blocks, [first.blocks.length]);
    const oracle = await Oracle.open(parts, SETTINGS);
    await compareWithOracle(run, oracle);
    oracle.close();
  });
});

describe("the end of the inputs", () => {
  it("corrects what was reported by what a source sends that had fallen silent before it", () => {
    const [ended, silent] = ["events-0", "events-1"].map((name, i) => {
      const eventTime = Date.UTC(2026, 0, 5, 12, 0, i);
      const event = { eventId: name, eventType: "item_view", eventTime, userId: name, productId: "p" };
      return runPanes(name, [event as CustomerEvent], [0, 1]);
    });
    const run = runInsights(["events-0", "events-1"], [silent.idle, ...ended.blocks, ...silent.blocks]);
    const rows = run.rows.get("gold.product_activity") ?? [];
    expect(rows.map(({ views, revision }) => [views, revision])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });
});

describe("quiet hours", () => {
  const timeOf = (minute: number): number => Date.UTC(2026, 0, 5, 12, minute);
  /** What a source sends of one minute, having come to another. */
  function block(source: string, minute: number, views: number, sequence: number, now = minute): Uint8Array {
    const writer = new PaneBlockWriter();
    const header = { channel: PRODUCT_CHANNEL, kind: PaneBlockKind.data, watermarkMs: timeOf(now) };
    writer.begin({ ...header, source, sequence });
    writer.u32(1);
    writer.f64(timeOf(minute));
    writer.u32(1);
    writer.text(new TextEncoder().encode("p"), 0, 1);
    for (const count of [views, 0, 0, 0]) writer.u32(count);
    return writer.finish();
  }

  it("hold nothing back of what an idle source brought for a window that the others had left", () => {
    const [one, other] = ["events-0", "events-1"];
    const idle = (source: string): Uint8Array => new PaneBlockWriter().idleBlock(PRODUCT_CHANNEL, source);
    const late = [idle(other), block(one, 0, 26, 0), block(one, 10, 1, 1), block(other, 0, 4, 0, 10)];
    const viewsOf = (blocks: readonly Uint8Array[]) =>
      (runInsights([one, other], blocks).rows.get("gold.product_activity") ?? []).map(({ views }) => views);
    expect(viewsOf(late)).toEqual([26]);
    expect(viewsOf([...late, idle(other)])).toEqual([26]);
    expect(viewsOf([...late, idle(other), idle(one)])).toEqual([26, 30]);
  });
});

describe("years between two panes", () => {
  it("have no boundaries, and nothing else is left out", () => {
    const random = seededRandom(7);
    for (let run = 0; run < 200; run++) {
      const panes = Array.from({ length: Math.floor(random() * 6) }, () => Math.floor(random() * 60));
      const [first, last] = [Math.floor(random() * 60), Math.floor(random() * 80)];
      const panesMax = 1 + Math.floor(random() * 8);
      const expected = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i).filter(
        (boundary) => panes.some((pane) => pane < boundary && boundary <= pane + panesMax),
      );
      expect([...boundariesBehindPanes(panes, { first, last, panesMax })]).toEqual(expected);
    }
    const far = { first: 1, last: Number.POSITIVE_INFINITY, panesMax: 2 };
    expect([...boundariesBehindPanes([0, 30_000_000], far)]).toEqual([1, 2, 30_000_001, 30_000_002]);
  });

  it("are passed at once where a task was silent before them", () => {
    const [old, silent] = [
      ["events-0", [Date.UTC(1970, 0, 20), Date.UTC(2026, 0, 5)]],
      ["events-1", [Date.UTC(2026, 0, 5)]],
    ].map(([name, times]) => {
      const events = (times as number[]).map((eventTime) => ({
        ...{ eventId: `${name}-${eventTime}`, eventType: "item_view", eventTime },
        ...{ userId: name, productId: "p" },
      }));
      return runPanes(name as string, events as unknown as CustomerEvent[], [0, events.length]);
    });
    const run = runInsights(["events-0", "events-1"], [...old.blocks, ...silent.blocks]);
    const rows = run.rows.get("gold.product_activity") ?? [];
    expect(rows.map(({ window_start, views }) => [window_start, views])).toEqual([
      [Date.UTC(1970, 0, 20), 1],
      [Date.UTC(2026, 0, 5), 2],
    ]);
  });
});
