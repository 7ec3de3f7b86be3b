import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractByTopic, validateEvent } from "../../../schema/index.ts";
import { LmdbEventLog } from "../../adapters/index.ts";
import { partitionOf } from "../partitioner.ts";
import { type LoadOptions, loadInto } from "./load-into.ts";
import { parseTimes } from "./time-plan.ts";

const DATA = resolve(process.env.MILLRACE_DATA ?? "../shared/data");
const REES46 = join(DATA, "clickstream/rees46-2019-10-01-first3h.csv.gz");
const RETAIL = join(DATA, "orders/online-retail-2010-12-to-2011-08.csv.gz");
const YOOCHOOSE = join(DATA, "clickstream/yoochoose-clicks-100k.tsv.gz");
const now = () => Date.UTC(2026, 5, 1);
let folder: string;
let logs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-loaders-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function openLog(partitions = 2): Promise<LmdbEventLog> {
  const log = new LmdbEventLog({ path: join(folder, `log-${logs++}`), clock: now });
  const names = ["customer-events", "orders", "products"];
  await log.createTopics(
    names.map((name) => ({ name, partitions, retentionMs: null, retentionBytes: null })),
  );
  return log;
}

interface Stored {
  readonly partition: number;
  readonly text: string;
  readonly control: string;
}

async function readTopic(log: LmdbEventLog, topic: string, partitions = 2): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const reader = await log.reader(topic, partition, 0);
    for (;;) {
      const batch = reader.read({ recordsMax: 10_000, bytesMax: 1 << 24 });
      if (batch === null) break;
      const bytes = Buffer.from(batch.bytes);
      for (let i = 0; i < batch.count; i++) {
        const text = bytes.toString("utf8", batch.starts[i], batch.ends[i]);
        stored.push({ partition, text, control: batch.control });
      }
    }
    reader.close();
  }
  return stored;
}

const data = (stored: readonly Stored[]) => stored.filter((record) => record.control === "data");
const parsed = (stored: readonly Stored[]) =>
  data(stored).map((record) => JSON.parse(record.text) as Record<string, unknown>);

async function load(format: string, file: string, options: Partial<LoadOptions> = {}) {
  const log = await openLog();
  const report = await loadInto(log, format, file, { now, ...options });
  return { log, report };
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("loadInto", () => {
  it("loads REES46: every row once, valid, keyed by its user, prices exact", async () => {
    const { log, report } = await load("rees46", REES46, { endOfInput: true });
    expect(report.rowsRead).toBe(17_434);
    const stored = await readTopic(log, "customer-events");
    const events = parsed(stored);
    const refused = Object.values(report.refused).reduce((sum, n) => sum + n, 0);
    expect(events.length + refused).toBe(17_434);
    expect(refused).toBe(0);
    const contract = contractByTopic("customer-events")!;
    for (const { partition, text } of data(stored)) {
      const event = JSON.parse(text);
      expect(validateEvent(contract, event)).toEqual({ ok: true });
      expect(partitionOf(Buffer.from(event.userId), 2)).toBe(partition);
    }
    expect(new Set(events.map((event) => event.eventId)).size).toBe(17_434);
    const { readFileSync } = await import("node:fs");
    const lines = gunzipSync(readFileSync(REES46)).toString().trim().split("\n").slice(1);
    const cents = lines.reduce((sum, line) => sum + Math.round(Number(line.split(",")[6]) * 100), 0);
    expect(events.reduce((sum, event) => sum + Number(event.priceMinor), 0)).toBe(cents);
    expect(stored.filter((record) => record.control === "end-of-input")).toHaveLength(2);
    await log.close();
  });

  it("makes a repeat a no-op, and another load of it with --again", async () => {
    const path = await file(
      "once.csv",
      "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n",
    );
    const { log, report } = await load("retailrocket", path);
    expect(report).toMatchObject({ rowsRead: 1, repeat: false });
    expect(await loadInto(log, "retailrocket", path, { now })).toMatchObject({ rowsRead: 1, repeat: true });
    expect(await readTopic(log, "customer-events")).toHaveLength(1);
    await loadInto(log, "retailrocket", path, { now, again: async () => "2" });
    const events = parsed(await readTopic(log, "customer-events"));
    expect(events).toHaveLength(2);
    expect(events[0].eventId).not.toBe(events[1].eventId);
    expect(events[0]).toMatchObject({ eventType: "item_view", eventTime: 1433221332117, userId: "257597" });
    await log.close();
  });

  it("goes on where an interrupted load stopped, and ends equal to an uninterrupted one", async () => {
    const whole = await load("rees46", REES46);
    const log = await openLog();
    for (const rowsMax of [4000, 9000, 13_000]) {
      const controller = new AbortController();
      const stop = loadInto(log, "rees46", REES46, {
        now,
        signal: controller.signal,
        onProgress: ({ rows }) => rows > rowsMax && controller.abort(),
      });
      await stop.catch((error) => expect(error.code).toBe("interrupted"));
    }
    await loadInto(log, "rees46", REES46, { now });
    const texts = (stored: readonly Stored[]) => stored.map((record) => record.text);
    expect(texts(await readTopic(log, "customer-events"))).toEqual(
      texts(await readTopic(whole.log, "customer-events")),
    );
    await log.close();
    await whole.log.close();
  });

  it("loads Online Retail as orders, purchases and products, cancellations as such", async () => {
    const { log, report } = await load("online-retail", RETAIL);
    expect(report.rowsRead).toBe(320_705);
    const orders = parsed(await readTopic(log, "orders"));
    const purchases = parsed(await readTopic(log, "customer-events"));
    const refused = Object.values(report.refused).reduce((sum, n) => sum + n, 0);
    const cancelled = orders.filter((order) => order.status === "cancelled");
    const lineCount = (list: typeof orders) =>
      list.reduce((sum, o) => sum + (o.lines as unknown[]).length, 0);
    expect(lineCount(orders) - lineCount(cancelled)).toBe(purchases.length);
    expect(lineCount(orders) + refused).toBe(320_705);
    expect(cancelled.length).toBeGreaterThan(1000);
    const totals = orders
      .filter((o) => o.status === "placed")
      .reduce((sum, o) => sum + Number(o.totalMinor), 0);
    const revenue = purchases.reduce((sum, p) => sum + Number(p.priceMinor) * Number(p.quantity), 0);
    expect(totals).toBe(revenue);
    for (const topic of ["orders", "customer-events", "products"]) {
      const contract = contractByTopic(topic)!;
      for (const event of parsed(await readTopic(log, topic))) {
        expect(validateEvent(contract, event)).toEqual({ ok: true });
      }
    }
    await log.close();
  });

  it("loads both forms of Yoochoose", async () => {
    const { log, report } = await load("yoochoose", YOOCHOOSE);
    expect(report).toMatchObject({
      rowsRead: 70_278,
      refused: {},
      eventsByTopic: { "customer-events": 70_278 },
    });
    await log.close();
    const original = await file("yoochoose-clicks.dat", "1,2014-04-07T10:51:09.277Z,214536502,0\n1,x,2,3\n");
    const { log: other, report: second } = await load("yoochoose", original);
    expect(second.refused).toEqual({ "bad-time": 1 });
    expect(second.refusedExamples).toEqual([{ line: 2, reason: "bad-time" }]);
    expect(parsed(await readTopic(other, "customer-events"))[0].eventTime).toBe(1_396_867_869_277);
    await other.close();
  });

  it("loads rows in the order of their times, whatever that of the file, and each once", async () => {
    // By session, as the real one: nearly every click is older than one in front of it.
    const { log, report } = await load("yoochoose", YOOCHOOSE, { sortedRecordsMax: 10_000 });
    const stored = await readTopic(log, "customer-events");
    for (const partition of [0, 1]) {
      const times = parsed(stored.filter((record) => record.partition === partition)).map((e) => e.eventTime);
      expect(times.length).toBeGreaterThan(30_000);
      expect(times).toEqual([...times].sort((a, b) => Number(a) - Number(b)));
    }
    expect(new Set(parsed(stored).map((event) => event.eventId)).size).toBe(70_278);
    expect(report.rowsRead).toBe(70_278);
    const { log: other } = await load("yoochoose", YOOCHOOSE);
    expect(await readTopic(other, "customer-events")).toEqual(stored);
    await log.close();
    await other.close();
  });

  it("goes on in that order where an interrupted load stopped, whether it had looked through the file or not", async () => {
    const whole = await load("yoochoose", YOOCHOOSE, { times: parseTimes("compress=10") });
    const log = await openLog();
    const options = { now, times: parseTimes("compress=10"), sortedRecordsMax: 20_000 };
    const stops = ["checking", "loading", "loading"];
    for (const [i, step] of stops.entries()) {
      const controller = new AbortController();
      const stop = loadInto(log, "yoochoose", YOOCHOOSE, {
        ...options,
        signal: controller.signal,
        onProgress: (at) => at.step === step && at.bytesRead >= (at.bytesTotal * i) / 3 && controller.abort(),
      });
      await expect(stop).rejects.toMatchObject({ code: "interrupted" });
    }
    expect((await log.offsets("customer-events", 0)).end).toBeGreaterThan(0);
    await loadInto(log, "yoochoose", YOOCHOOSE, options);
    expect(await readTopic(log, "customer-events")).toEqual(await readTopic(whole.log, "customer-events"));
    await log.close();
    await whole.log.close();
  });

  it("keeps one row of a wrong year from putting others out of order, and counts each row once", async () => {
    const rows = ["2000000,u,view,1,", "4102444800000,u,view,2,", "x,u,view,3,", "1000000,u,view,4,"];
    const path = await file(
      "years.csv",
      `timestamp,visitorid,event,itemid,transactionid\n${rows.join("\n")}\n`,
    );
    const { log, report } = await load("retailrocket", path, { sortedRecordsMax: 1 });
    expect(report).toMatchObject({ rowsRead: 4, refused: { "bad-time": 1 } });
    expect(report.refusedExamples).toEqual([{ line: 4, reason: "bad-time" }]);
    expect(parsed(await readTopic(log, "customer-events")).map((event) => event.productId)).toEqual([
      "4",
      "1",
      "2",
    ]);
    await log.close();
  });

  it("finds a header behind empty lines, its columns in any order", async () => {
    const path = await file(
      "head.csv",
      "\ufeff\r\n\r\ntransactionid,event,itemid,visitorid,timestamp\r\n,view,1,u,5",
    );
    const { log, report } = await load("retailrocket", path);
    expect(report).toMatchObject({ rowsRead: 1, refused: {} });
    expect(parsed(await readTopic(log, "customer-events"))[0]).toMatchObject({ eventTime: 5, userId: "u" });
    await log.close();
  });

  it("ends no input that has newer events than the file's: their windows are still open", async () => {
    const log = await openLog();
    const event = (user: string, eventTime: number) =>
      `${JSON.stringify({ eventId: `${user}${eventTime}`, eventType: "page_view", eventTime, userId: user })}\n`;
    // Of two users in different partitions one is further than the file, one is not; the last time is refused.
    const users = Array.from({ length: 20 }, (_, i) => `u${i}`);
    const first = users.find((user) => partitionOf(Buffer.from(user), 2) === 0)!;
    const second = users.find((user) => partitionOf(Buffer.from(user), 2) === 1)!;
    const live = await file(
      "live.ndjson",
      event(first, 5000) + event(second, 1000) + event(second, now() + 1e6),
    );
    await loadInto(log, "ndjson", live, { now });
    const ended = async () =>
      (await readTopic(log, "customer-events"))
        .filter(({ control }) => control === "end-of-input")
        .map(({ partition }) => partition);
    const older = await file("older.ndjson", event(first, 2000) + event(second, 2000));
    await loadInto(log, "ndjson", older, { now, endOfInput: true });
    expect(await ended()).toEqual([1]);
    const rows = "timestamp,visitorid,event,itemid,transactionid\n6000,u,view,1,\n";
    await loadInto(log, "retailrocket", await file("newer.csv", rows), { now, endOfInput: true });
    expect(await ended()).toEqual([0, 1, 1]);
    await log.close();
  });

  it("appends NDJSON as it is, malformed lines too, gzipped or plain", async () => {
    const lines = [
      '{"eventId":"a","eventType":"page_view","eventTime":5,"userId":"u1"}',
      '{"eventId":"b", "userId": "ü2", "eventType":"page_view","eventTime":6}',
      '{"eventId":"c","eventType":"page_vi',
      '{"x":{"userId":"no"},"userId":"u1"}',
      "garbage",
    ];
    const path = await file("events.ndjson.gz", gzipSync(`\ufeff${lines.join("\r\n")}\n\n`));
    const { log, report } = await load("ndjson", path, { recordBytesMax: 1000 });
    expect(report.rowsRead).toBe(5);
    const stored = await readTopic(log, "customer-events");
    expect(stored.map((record) => record.text).sort()).toEqual([...lines].sort());
    for (const [text, key] of [
      [lines[0], "u1"],
      [lines[1], "ü2"],
      [lines[3], "u1"],
    ]) {
      const record = stored.find((candidate) => candidate.text === text)!;
      expect(record.partition).toBe(partitionOf(Buffer.from(key), 2));
    }
    await log.close();
  });

  it("refuses a line above the limit with its number and reads on", async () => {
    const path = await file("long.ndjson", `{"userId":"a"}\n{"x":"${"y".repeat(10 << 20)}"}\n{"userId":"b"}`);
    const { log, report } = await load("ndjson", path);
    expect(report.refusedExamples).toEqual([{ line: 2, reason: "record-too-large" }]);
    expect(await readTopic(log, "customer-events")).toHaveLength(2);
    await log.close();
  });

  it("shifts and compresses times; a resumed shift keeps its first anchor", async () => {
    const rows = ["1000000,u,view,1,", "1600000,u,view,1,"].join("\n");
    const path = await file("times.csv", `timestamp,visitorid,event,itemid,transactionid\n${rows}\n`);
    const timesOf = async (times: string) => {
      const { log } = await load("retailrocket", path, {
        times: parseTimes(times),
        begin: async () => 9_000_000,
      });
      const events = parsed(await readTopic(log, "customer-events"));
      await log.close();
      return events.map((event) => event.eventTime);
    };
    expect(await timesOf("keep")).toEqual([1_000_000, 1_600_000]);
    expect(await timesOf("shift")).toEqual([8_400_000, 9_000_000]);
    expect(await timesOf("compress=60")).toEqual([1_000_000, 1_010_000]);
    expect(await timesOf("shift,compress=60")).toEqual([8_990_000, 9_000_000]);
    expect(() => parseTimes("compress=0")).toThrow(/no way to treat times/);
  });

  it("measures no file by a time that no event may have: such a line stays as it is, to be refused", async () => {
    const lines = [9e15, -5, 1_000_000, 1_600_000].map((eventTime) =>
      JSON.stringify({ eventTime, userId: "u" }),
    );
    const path = await file("strays.ndjson", lines.join("\n"));
    const timesOf = async (times: string) => {
      const { log } = await load("ndjson", path, {
        times: parseTimes(times),
        begin: async () => 9_000_000,
      });
      const events = parsed(await readTopic(log, "customer-events"));
      await log.close();
      return events.map((event) => event.eventTime);
    };
    expect(await timesOf("shift")).toEqual([9e15, -5, 8_400_000, 9_000_000]);
    expect(await timesOf("compress=60")).toEqual([9e15, -5, 1_000_000, 1_010_000]);
  });

  it.each([
    ["input-missing", "rees46", () => join(folder, "absent.csv")],
    ["input-not-a-file", "rees46", () => folder],
    ["input-empty", "ndjson", () => file("empty.ndjson", "")],
    ["wrong-format", "rees46", () => YOOCHOOSE],
    ["wrong-format", "ndjson", () => REES46],
    ["unknown-format", "csv", () => REES46],
  ])("rejects with %s", async (code, format, path) => {
    const log = await openLog();
    await expect(loadInto(log, format, await path(), { now })).rejects.toMatchObject({
      code,
      origin: "user",
    });
    await log.close();
  });

  it("takes nothing of a damaged archive: of the whole one, the same events would have other ids", async () => {
    const rows = "1433221332117,257597,view,355908,\n".repeat(200_000);
    const whole = gzipSync(`timestamp,visitorid,event,itemid,transactionid\n${rows}`, { level: 0 });
    const path = await file("cut.csv.gz", whole.subarray(0, whole.length / 2));
    const log = await openLog();
    await expect(loadInto(log, "retailrocket", path, { now })).rejects.toMatchObject({
      code: "input-corrupt",
    });
    expect(await readTopic(log, "customer-events")).toEqual([]);
    await log.close();
  });
});
