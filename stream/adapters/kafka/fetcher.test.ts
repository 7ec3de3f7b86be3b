import { afterEach, expect, it } from "vitest";
import { Fetcher, type FetchTarget } from "./fetcher.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { asKafkaError } from "./kafka-errors.ts";
import { OutageWarnings } from "./outage-warnings.ts";

/** Codes of the protocol. */
const NOT_LEADER = 6;
const UNKNOWN_TOPIC = 3;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One node that leads everything and has records without end; it answers as the test says. */
class StubClient {
  readonly options = { brokers: ["b:9092"] };
  closed = false;
  requests = 0;
  /** Time stands still but for the waits. */
  now = 0;
  lookUps = 0;
  isDown = false;
  /** Of the next answers; those behind them are good. */
  errorCodes: number[] = [];
  onClose(): void {}
  noteFailure(): void {}
  sleep(ms: number): Promise<void> {
    this.now += ms;
    return nextTurn();
  }
  async leaderOf(): Promise<number> {
    this.lookUps++;
    if (this.isDown) throw asKafkaError(lost(), "a test", this.options.brokers);
    return 1;
  }
  async topicId(): Promise<string> {
    return "id";
  }
  async broker(): Promise<object> {
    return {};
  }
  async send(): Promise<object> {
    this.requests++;
    await nextTurn();
    return { bytes: Buffer.alloc(0), partitions: [this.answer()] };
  }
  protected answer(): object {
    const errorCode = this.errorCodes.shift() ?? 0;
    return { topic: "t", partition: 0, errorCode, stableOffset: 1e9, aborted: [], from: 0, to: 0 };
  }
}

function lost(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { name: "KafkaJSConnectionError" });
}

class StubTarget implements FetchTarget {
  readonly topic = "t";
  readonly partition = 0;
  readonly topicId = null;
  readonly isBehind = true;
  fetchOffset: number;
  served = 0;
  error: unknown = null;
  constructor(fetchOffset: number) {
    this.fetchOffset = fetchOffset;
  }
  get wantsRecords(): boolean {
    return this.error === null;
  }
  accept(): void {
    this.served++;
    this.fetchOffset++;
  }
  fail(error: unknown): void {
    this.error = error;
  }
}

const clients: StubClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.closed = true;
});

function fetcherOf(client: StubClient): Fetcher {
  clients.push(client);
  const kafka = client as unknown as KafkaClient;
  const warnings = new OutageWarnings(
    () => undefined,
    () => 0,
  );
  return new Fetcher({ tail: kafka, behind: kafka }, warnings, () => client.now);
}

it.each([2, 3, 4, 7])("serves %i readers of one partition at different offsets in turn", async (count) => {
  const client = new StubClient();
  const fetcher = fetcherOf(client);
  const targets = Array.from({ length: count }, (_, i) => new StubTarget(i * 1_000_000));
  for (const target of targets) fetcher.add(target);
  while (client.requests < 20 * count) await nextTurn();
  const served = targets.map((target) => target.served);
  expect(Math.min(...served)).toBeGreaterThanOrEqual(Math.max(...served) - 2);
});

it("goes on behind an outage, however long, and refusals before and after it", async () => {
  const client = new StubClient();
  const target = new StubTarget(0);
  client.errorCodes = Array.from({ length: 8 }, () => NOT_LEADER);
  fetcherOf(client).add(target);
  while (client.errorCodes.length > 0) await nextTurn();
  client.isDown = true;
  client.errorCodes = Array.from({ length: 8 }, () => NOT_LEADER);
  for (const until = client.lookUps + 60; client.lookUps < until; ) await nextTurn();
  client.isDown = false;
  while (target.served < 3 && target.error === null) await nextTurn();
  expect(target).toMatchObject({ error: null, served: 3 });
});

it("waits 45 seconds for a partition whose leader moves, and tells its reader then", async () => {
  const client = new StubClient();
  const target = new StubTarget(0);
  client.errorCodes = Array.from({ length: 1000 }, () => NOT_LEADER);
  fetcherOf(client).add(target);
  while (target.error === null && client.errorCodes.length > 0) await nextTurn();
  expect(target.error).toMatchObject({ code: "kafka-failed", retry: true });
  expect(client.now).toBeGreaterThanOrEqual(45_000);
  expect(client.now).toBeLessThan(60_000);
});

it("tells of a topic that is gone after ten more answers", async () => {
  const client = new StubClient();
  const target = new StubTarget(0);
  client.errorCodes = Array.from({ length: 1000 }, () => UNKNOWN_TOPIC);
  fetcherOf(client).add(target);
  while (target.error === null && client.errorCodes.length > 0) await nextTurn();
  expect(target.error).toMatchObject({ code: "unknown-topic" });
  expect(client.requests).toBe(11);
});
