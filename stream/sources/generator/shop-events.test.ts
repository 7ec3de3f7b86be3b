import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { contractByTopic, validateEvent } from "../../../schema/index.ts";
import { LmdbEventLog } from "../../adapters/index.ts";
import { partitionOf } from "../partitioner.ts";
import { LiveGenerator } from "./live-generator.ts";
import { SHOP_TOPICS } from "./shop.ts";
import { createShopEvents } from "./shop-events.ts";
import { SHOP_DEFAULTS, type ShopOptions } from "./shop-options.ts";
import { writeNdjson } from "./write-ndjson.ts";

interface Generated {
  readonly topic: string;
  readonly partition: number;
  readonly text: string;
}

const START = SHOP_DEFAULTS.startTime;
const MINUTE = 60_000;

function generate(options: Partial<ShopOptions>, minutes: number, recordsMax = 5000) {
  const source = createShopEvents(options, () => 2);
  const records: Generated[] = [];
  for (;;) {
    const chunk = source.until(START + minutes * MINUTE, recordsMax);
    if (chunk === null) break;
    for (const { topic, partition, bytes, starts, ends, count } of chunk) {
      const buffer = Buffer.from(bytes);
      for (let i = 0; i < count; i++) {
        records.push({ topic, partition, text: buffer.toString("utf8", starts[i], ends[i]) });
      }
    }
  }
  return { records, truth: source.truth() };
}

const textsOf = (records: readonly Generated[], topic: string) =>
  records.filter((record) => record.topic === topic).map((record) => record.text);
const parse = (texts: readonly string[]) =>
  texts.flatMap((text) => {
    try {
      return [JSON.parse(text)];
    } catch {
      return [];
    }
  });
const digest = (records: readonly Generated[]) =>
  createHash("sha256").update(JSON.stringify(records)).digest("hex");

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
async function newFolder(): Promise<string> {
  folders.push(await mkdtemp(join(tmpdir(), "millrace-shop-")));
  return folders[folders.length - 1];
}

describe("createShopEvents", () => {
  it("is a function of the seed and the options", () => {
    expect(digest(generate({ seed: 5 }, 1).records)).toBe(digest(generate({ seed: 5 }, 1).records));
    expect(digest(generate({ seed: 5 }, 1).records)).not.toBe(digest(generate({ seed: 6 }, 1).records));
  });

  it("writes records that their contracts accept, but for those that it counts as malformed", () => {
    const { records, truth } = generate({ malformedShare: 0.01 }, 10);
    const keys = { products: "productId", "inventory-updates": "productId" } as Record<string, string>;
    const refused: Record<string, number> = {};
    for (const { topic, partition, text } of records) {
      let event: Record<string, unknown> | null = null;
      try {
        event = JSON.parse(text);
      } catch {}
      const ok = event !== null && validateEvent(contractByTopic(topic)!, event).ok;
      if (!ok) refused[topic] = (refused[topic] ?? 0) + 1;
      else expect(partitionOf(Buffer.from(String(event?.[keys[topic] ?? "userId"])), 2)).toBe(partition);
    }
    const malformed = Object.values(truth.customerEvents.malformed).reduce((sum, n) => sum + n, 0);
    expect(refused).toEqual({ "customer-events": malformed });
    expect(Math.min(...Object.values(truth.customerEvents.malformed))).toBeGreaterThan(100);
  });

  it("tells the truth about what arrived, and keeps to its rate", () => {
    const { records, truth } = generate({}, 10);
    const { valid, duplicates, byType, malformed, late, outOfOrder, tooLate } = truth.customerEvents;
    const texts = textsOf(records, "customer-events");
    const broken = Object.values(malformed).reduce((sum, n) => sum + n, 0);
    expect(texts.length).toBe(valid + duplicates + broken);
    expect(new Set(texts).size).toBe(valid + broken);
    expect(Object.values(byType).reduce((sum, n) => sum + n, 0)).toBe(valid);
    expect(Math.min(duplicates, broken, late, outOfOrder, tooLate)).toBeGreaterThan(20);
    expect(valid / 600 / SHOP_DEFAULTS.eventsPerSecond).toBeGreaterThan(0.9);
    expect(valid / 600 / SHOP_DEFAULTS.eventsPerSecond).toBeLessThan(1.2);
    expect(new Set(parse(textsOf(records, "orders")).map((order) => order.orderId)).size).toBe(truth.orders);
  });

  it("plants flash sales that cross the threshold before their first minute is over", () => {
    const { records, truth } = generate({}, 10);
    expect(truth.flashSales.length).toBe(5);
    const events = parse(textsOf(records, "customer-events"));
    for (const sale of truth.flashSales) {
      const about = events.filter((event) => event.productId === sale.productId);
      const early = about.filter((event) => event.eventTime < sale.startTime + 9000);
      expect(early.length).toBeGreaterThan(100);
      expect(about.filter((event) => event.eventType === "purchase")).toHaveLength(0);
    }
  });

  it("plants rings: quick orders from one device, shipped abroad, labelled as fraud later", () => {
    const { records, truth } = generate({}, 10);
    const orders = parse(textsOf(records, "orders")).filter((order) => order.status === "placed");
    const labels = new Map(
      parse(textsOf(records, "fraud-labels")).map((label) => [label.orderId, label.isFraud]),
    );
    expect(truth.fraudRings.length).toBeGreaterThan(10);
    expect(truth.fraudRings[0].startTime).toBe(START + 5000);
    const ring = truth.fraudRings[0];
    for (const orderId of ring.orderIds) {
      const order = orders.find((candidate) => candidate.orderId === orderId);
      expect(order).toMatchObject({ deviceId: ring.deviceId });
      expect(order.shippingCountry).not.toBe(order.billingCountry);
      expect(labels.get(orderId)).toBe(true);
    }
    expect([...labels.values()].filter((isFraud) => !isFraud).length).toBeGreaterThan(20);
    expect(new Set(truth.fraudRings.map(({ style }) => style))).toEqual(new Set(["bold", "slow", "local"]));
  });

  it("lets honest shoppers do what a ring does, so that no single sign tells one", () => {
    const { records, truth } = generate({}, 10);
    const planted = new Set(truth.fraudRings.flatMap(({ orderIds }) => orderIds));
    const honest = parse(textsOf(records, "orders")).filter(
      ({ status, orderId }) => status === "placed" && !planted.has(orderId),
    );
    const far = new Set(["NG", "RO", "VN", "PA"]);
    expect(honest.filter(({ shippingCountry }) => far.has(shippingCountry)).length).toBeGreaterThan(5);
    expect(honest.filter(({ userId, deviceId }) => deviceId !== `d-${userId}`).length).toBeGreaterThan(30);
    const failed = parse(textsOf(records, "payments")).filter(({ status }) => status === "failed");
    expect(failed.filter(({ orderId }) => !planted.has(orderId)).length).toBeGreaterThan(20);
  });

  it("runs products out of stock that nobody stocks up", () => {
    const { records, truth } = generate({ eventsPerSecond: 500 }, 10);
    expect(truth.stockOuts.length).toBeGreaterThan(0);
    const updates = parse(textsOf(records, "inventory-updates"));
    for (const { productId } of truth.stockOuts) {
      const own = updates.filter((update) => update.productId === productId);
      expect(own[0].kind).toBe("snapshot");
      let stock = 0;
      let lowest = Number.POSITIVE_INFINITY;
      for (const update of own) {
        stock += update.quantity;
        lowest = Math.min(lowest, stock);
      }
      expect(lowest).toBe(0);
    }
  });

  it("lets those buy more often who return or search, so that there is something to learn", () => {
    const { records } = generate({ seed: 9 }, 30);
    const returning = new Map(
      parse(textsOf(records, "user-profiles")).map((profile) => [profile.userId, profile.segment !== "new"]),
    );
    const visits = new Map<
      string,
      { returning: boolean; searched: boolean; cart: boolean; bought: boolean }
    >();
    for (const event of parse(textsOf(records, "customer-events"))) {
      if (!String(event.sessionId).startsWith("v-")) continue;
      const visit = visits.get(event.sessionId) ?? {
        returning: returning.get(event.userId) === true,
        searched: false,
        cart: false,
        bought: false,
      };
      if (event.eventType === "search") visit.searched = true;
      if (event.eventType === "cart_add") visit.cart = true;
      if (event.eventType === "purchase") visit.bought = true;
      visits.set(event.sessionId, visit);
    }
    const all = [...visits.values()];
    const rate = (group: typeof all) => group.filter((visit) => visit.bought).length / group.length;
    for (const trait of ["returning", "searched", "cart"] as const) {
      expect(rate(all.filter((visit) => visit[trait]))).toBeGreaterThan(
        1.4 * rate(all.filter((visit) => !visit[trait])),
      );
    }
    expect(rate(all)).toBeGreaterThan(0.05);
    expect(rate(all)).toBeLessThan(0.3);
  });

  it("refuses shares that cannot be", () => {
    expect(() => generate({ malformedShare: 0.6, lateShare: 0.6 }, 1)).toThrow(/add up to at most 1/);
  });
});

describe("writeNdjson", () => {
  it("writes exactly so many lines, the same each time, with the truth beside them", async () => {
    const folder = await newFolder();
    const [a, b] = [join(folder, "a.ndjson"), join(folder, "b.ndjson")];
    const truth = await writeNdjson(a, { seed: 4, customerEventsMax: 12_345 });
    await writeNdjson(b, { seed: 4, customerEventsMax: 12_345 });
    const text = await readFile(a, "utf8");
    expect(text).toBe(await readFile(b, "utf8"));
    expect(text.endsWith("\n")).toBe(true);
    const lines = text.trimEnd().split("\n");
    const { valid, duplicates, malformed } = truth.customerEvents;
    const broken = Object.values(malformed).reduce((sum, n) => sum + n, 0);
    expect(lines.length).toBe(12_345);
    expect(valid + duplicates + broken).toBe(12_345);
    expect(JSON.parse(await readFile(`${a}.truth.json`, "utf8"))).toEqual(JSON.parse(JSON.stringify(truth)));
  });
});

describe("LiveGenerator", () => {
  it("fills an empty log with its history, then goes on from the clock", async () => {
    const folder = await newFolder();
    let now = START;
    const log = new LmdbEventLog({ path: folder, clock: () => now });
    await log.createTopics(
      SHOP_TOPICS.map((name) => ({ name, partitions: 2, retentionMs: null, retentionBytes: null })),
    );
    const options = {
      log,
      clock: () => now,
      shop: {},
      historyMs: 10 * MINUTE,
      onError: () => expect.unreachable(),
    };
    const count = async () =>
      (await log.offsets("customer-events", 0)).end + (await log.offsets("customer-events", 1)).end;
    const first = await LiveGenerator.open(options);
    first.start();
    while (first.truth().customerEvents.valid < 100_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await first.stop();
    const afterHistory = await count();
    expect(afterHistory).toBeGreaterThan(100_000);
    const second = await LiveGenerator.open(options);
    second.start();
    now += 20_000;
    while (second.truth().customerEvents.valid < 1000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await second.stop();
    const live = (await count()) - afterHistory;
    expect(live).toBeGreaterThan(999);
    expect(live).toBeLessThan(6000);
    await log.close();
  });
});
