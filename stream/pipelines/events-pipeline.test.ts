import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import {
  isRecommender,
  mlPlugins,
  orderScorers,
  type RecommenderPlugin,
  type SessionScorerPlugin,
  sessionScorers,
} from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  contracts,
  customerEventContract,
  type EventContract,
  encodeJson,
  ownSchemas,
  productContract,
} from "../../schema/index.ts";
import { LmdbEventLog, LmdbHotStore, LogAlertBus } from "../adapters/index.ts";
import { defaultDetectorConfig } from "../detectors/index.ts";
import {
  defaultDedupeConfig,
  defaultProductPanesConfig,
  defaultRecommendProductsConfig,
  defaultSessionizeConfig,
} from "../operators/index.ts";
import { CheckpointStore } from "../runtime/checkpoint-store.ts";
import { noStageClock } from "../runtime/stage-clock.ts";
import { Task } from "../runtime/task.ts";
import { restore } from "../runtime/testing/restore.ts";
import { unmarkedChanges } from "../runtime/testing/unmarked-changes.ts";
import { Outbox } from "../sinks/outbox.ts";
import { finishFile } from "../sinks/table-sink.ts";
import { type FileRow, readFiles } from "../sinks/testing/read-files.ts";
import { ShopEvents } from "../sources/generator/shop-events.ts";
import { defaultTimeConfig } from "../time/index.ts";
import { createEventsPipeline, type EventsPipelineConfig } from "./events-pipeline.ts";

const PARTITIONS = 2;
const NOON = Date.UTC(2026, 0, 5, 12);
const plugin = sessionScorers.find(
  ({ name }) => name === "propensity",
) as SessionScorerPlugin<CustomerEventBatch>;
const recommender = mlPlugins.find(isRecommender) as RecommenderPlugin;
const untrained = recommender.load(recommender.defaultModel().weights, "untrained");
const [fraud] = orderScorers;
const fraudScorer = fraud.load(fraud.defaultModel().weights, "fraud-default");
const HEALTH = { windowMs: 3_600_000, driftIndex: 0.25, driftRowsMin: 500, calibrationErrorMax: 0.1 };
const config: EventsPipelineConfig = {
  time: defaultTimeConfig,
  recordBytesMax: 1000,
  futureSkewMs: null,
  dedupe: defaultDedupeConfig,
  sessions: defaultSessionizeConfig,
  pageViews: { windowMs: 600_000, advanceMs: 60_000, recentMs: 300_000, recentMax: 20 },
  productPanes: defaultProductPanesConfig,
  detectors: defaultDetectorConfig,
  recommendations: defaultRecommendProductsConfig,
  propensity: {
    threshold: 0.6,
    rearmBelow: 0.4,
    sessionGapMs: 1_800_000,
    health: { ...HEALTH, sampleEvery: 64 },
  },
  orderMonitor: { health: HEALTH, labelDelayMs: 7 * 86_400_000 },
  leaveOut: [],
  hotTtlMs: 60_000,
  fileBytesMax: 1 << 20,
};

describe("events pipeline", () => {
  let home: string;
  let log: LmdbEventLog;
  let hotStore: LmdbHotStore;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), "millrace-pipeline-"));
    log = new LmdbEventLog({ path: join(home, "log"), clock: () => NOON, mapBytes: 2 ** 30 });
    hotStore = new LmdbHotStore({ path: join(home, "hot"), clock: () => NOON, mapBytes: 2 ** 30 });
    const retention = { retentionMs: null, retentionBytes: null };
    await log.createTopics([
      ...contracts.map(({ topic }) => ({ name: topic, partitions: PARTITIONS, ...retention })),
      { name: "panes", partitions: 1, ...retention },
      { name: "alerts", partitions: 1, ...retention },
    ]);
  });
  afterEach(async () => {
    await hotStore.close();
    await log.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function openTask(further: readonly SessionScorerPlugin<CustomerEventBatch>[] = []): Promise<Task> {
    const alertBus = new LogAlertBus(log);
    const outbox = new Outbox({ log, hotStore, alertBus, taskId: "events-0", paneTopic: "panes" });
    const { weights, version } = plugin.defaultModel();
    const slot = { models: { champion: plugin.load(weights, version), card: null, challenger: null } };
    const pipeline = createEventsPipeline(config, {
      taskId: "events-0",
      partition: 0,
      partitions: PARTITIONS,
      nonce: "n",
      outbox,
      plugin,
      fraud: { plugin: fraud, slot: { models: { champion: fraudScorer, card: null, challenger: null } } },
      slot,
      sessionScorers: further.map((scorer) => ({ plugin: scorer, slot })),
      stopwatch: () => 0,
      recommender: {
        plugin: recommender,
        slot: { models: { champion: untrained, card: null, challenger: null } },
      },
      schemas: ownSchemas,
      stageClock: noStageClock,
    });
    const task = new Task(pipeline, outbox);
    await restore(task, log, new CheckpointStore(new LocalObjectStore(home), "n"));
    return task;
  }

  async function append(topic: string, records: readonly Uint8Array[], partition = 0): Promise<void> {
    let at = 0;
    const ends = Int32Array.from(records, ({ length }) => (at += length));
    const starts = Int32Array.from(records, ({ length }, i) => ends[i] - length);
    await log.append([
      { topic, partition, count: records.length, bytes: Buffer.concat(records), starts, ends },
    ]);
  }

  const json = (contract: EventContract, values: Record<string, unknown>) =>
    encodeJson(contract, values as never);
  const view = (eventId: string, changes: Record<string, unknown> = {}) =>
    json(customerEventContract, {
      eventId,
      eventType: "item_view",
      eventTime: NOON,
      userId: "u",
      ...changes,
    });
  const product = (productId: string, name: string) =>
    json(productContract, { eventId: `${productId}-${name}`, productId, updateTime: NOON - 1000, name });

  /** Processes what the log holds; the rows of each table that the cut holds. */
  async function rowsAfter(task: Task): Promise<Map<string, FileRow[]>> {
    while (task.step());
    const tables = new Map<string, FileRow[]>();
    for (const detached of task.cut().files) {
      const file = finishFile(detached);
      const rows = await readFiles([file]);
      tables.set(file.staged.table, [...(tables.get(file.staged.table) ?? []), ...rows]);
    }
    return tables;
  }

  test("bronze has every valid record as received, duplicates too, with unknown members and its place", async () => {
    await append("customer-events", [view("a", { shoeSize: 43 }), view("b"), view("a", { shoeSize: 43 })]);
    const task = await openTask();
    const tables = await rowsAfter(task);
    const bronze = tables.get("bronze.customer_events") ?? [];
    expect(bronze).toMatchObject([
      { event_id: "a", _topic: "customer-events", _partition: 0, _offset: 0, _ingested_at: NOON },
      { event_id: "b", _offset: 1, _extra: null },
      { event_id: "a", _offset: 2 },
    ]);
    expect(JSON.parse(String(bronze[0]._extra))).toEqual({ shoeSize: 43 });
    expect(tables.get("silver.events")).toMatchObject([{ event_id: "a" }, { event_id: "b" }]);
    expect(task.pipeline.counters()).toMatchObject({ processed: 3, duplicates: 1, refused: 0 });
    task.close();
  });

  test("a further plugin that scores sessions needs its place in the list alone", async () => {
    const eager = { ...plugin, name: "eager", crossing: { threshold: 1e-9, rearmBelow: 0 } };
    await append("customer-events", [view("a"), view("b", { userId: "v" }), view("c")]);
    const task = await openTask([eager]);
    const tables = await rowsAfter(task);
    expect(tables.get("gold.session_scores")).toMatchObject([
      { plugin: "eager", user_id: "u", kind: "crossed", _offset: 0 },
      { plugin: "eager", user_id: "v", kind: "crossed", _offset: 1 },
    ]);
    expect(task.cut().models?.map((model) => model.plugin)).toEqual([
      "propensity",
      "eager",
      "fraud",
      "recommend",
    ]);
    task.close();
  });

  test("a refused record becomes a dead letter with its place, and holds nothing up", async () => {
    const noUser = Buffer.from(`{"eventId":"x","eventType":"click","eventTime":${NOON}}`);
    await append("customer-events", [view("a"), Buffer.from("{broken"), noUser, view("b")]);
    await append("orders", [Buffer.from("[]")]);
    const task = await openTask();
    const tables = await rowsAfter(task);
    const letters = tables.get("bronze.dead_letters") ?? [];
    expect(letters).toMatchObject([
      { _topic: "customer-events", _partition: 0, _offset: 1, reason: "invalid-json" },
      { _topic: "customer-events", _offset: 2, reason: "missing-field", field: "userId" },
      { _topic: "orders", _offset: 0 },
    ]);
    expect(Buffer.from(String(letters[1].record_base64), "base64")).toEqual(noUser);
    expect(tables.get("silver.events")).toMatchObject([{ event_id: "a" }, { event_id: "b" }]);
    expect(task.pipeline.counters()).toMatchObject({ processed: 2, refused: 3 });
    task.close();
  });

  test("who takes the task over goes on with its counts", async () => {
    await append("customer-events", [view("a"), Buffer.from("{broken"), view("b"), view("a")]);
    const task = await openTask();
    while (task.step());
    const { taskId, epoch, inputs, watermarkMs, events, image } = task.cut();
    const store = new CheckpointStore(new LocalObjectStore(home), "n");
    const stateImages = [await store.stageImage(taskId, epoch, image)];
    const of = { taskId, epoch, inputs, watermarkMs, events };
    await store.prepare({ ...of, files: [], stateImages, createdAt: NOON });
    task.close();
    await append("customer-events", [view("c"), Buffer.from("{broken")]);
    const heir = await openTask();
    const before = { processed: 3, refused: 1, duplicates: 1 };
    expect(heir.pipeline.counters()).toMatchObject(before);
    while (heir.step());
    expect(heir.pipeline.counters()).toMatchObject({ ...before, processed: 4, refused: 2 });
    heir.close();
  });

  test("events know the products of every partition; only the own partition's are kept in bronze", async () => {
    await append("products", [product("p0", "own")]);
    await append("products", [product("p1", "other"), Buffer.from("{refused by its owner")], 1);
    await append("customer-events", [view("a", { productId: "p0" }), view("b", { productId: "p1" })]);
    const task = await openTask();
    const tables = await rowsAfter(task);
    expect(tables.get("silver.events")).toMatchObject([{ product_name: "own" }, { product_name: "other" }]);
    expect(tables.get("bronze.products")).toMatchObject([{ product_id: "p0", _partition: 0 }]);
    expect(tables.has("bronze.dead_letters")).toBe(false);
    task.close();
  });

  test("a product's change is known to the events that the log took after it, to none before", async () => {
    await append("customer-events", [view("before", { productId: "p" })]);
    await append("products", [product("p", "known")], 1);
    await append("customer-events", [view("after", { productId: "p" })]);
    const task = await openTask();
    const rows = (await rowsAfter(task)).get("silver.events");
    expect(rows).toMatchObject([{ product_name: null }, { product_name: "known" }]);
    task.close();
  });

  test("reads along in the products and rule changes of other partitions, and owns all its other inputs", async () => {
    const task = await openTask();
    const along = task.inputs().filter(({ topic, partition }) => task.readsAlong(topic, partition));
    expect(along).toEqual([
      { topic: "products", partition: 1, offset: 0 },
      { topic: "rule-changes", partition: 1, offset: 0 },
    ]);
    expect(task.inputs()).toHaveLength(contracts.length + 2);
    task.close();
  });

  test("reads products first of what has the same place in the order over topics", async () => {
    const task = await openTask();
    const topics = task.inputs().map(({ topic }) => topic);
    expect(topics.lastIndexOf("products")).toBeLessThan(topics.findIndex((topic) => topic !== "products"));
    task.close();
  });

  test("the end of the input closes what is open: sessions and windows are reported", async () => {
    await append("customer-events", [
      view("a"),
      view("b", { eventTime: NOON + 1000, eventType: "purchase" }),
    ]);
    await log.append([
      {
        topic: "customer-events",
        partition: 0,
        count: 0,
        bytes: new Uint8Array(0),
        starts: new Int32Array(0),
        ends: new Int32Array(0),
        control: "end-of-input",
      },
    ]);
    const task = await openTask();
    const tables = await rowsAfter(task);
    expect(tables.get("silver.sessions")).toMatchObject([{ user_id: "u", events: 2, converted: true }]);
    expect(tables.get("gold.page_views_by_user")?.length).toBeGreaterThan(0);
    expect(tables.has("bronze.dead_letters")).toBe(false);
    expect(task.inputs().find(({ topic }) => topic === "customer-events")?.offset).toBe(3);
    task.close();
  });

  test("marks every page of its state that it writes to: a checkpoint would not have it else", async () => {
    const shop = new ShopEvents({ startTime: NOON, eventsPerSecond: 20, users: 500 }, () => PARTITIONS);
    const task = await openTask();
    const changes = unmarkedChanges(task.pipeline.sections);
    const found = new Set<string>();
    // Sessions end after half an hour, and windows are closed.
    for (let minute = 1; minute <= 45; minute++) {
      for (let some = shop.until(NOON + minute * 60_000, 1000); some !== null; )
        some = await log.append(some).then(() => shop.until(NOON + minute * 60_000, 1000));
      while (task.step());
      await task.outbox.flush();
      for (const array of changes()) found.add(array);
    }
    // Its links to the next entry are made anew when it is restored.
    expect([...found]).toEqual(["page-views-by-user.view-entries"]);
    task.close();
  });
});
