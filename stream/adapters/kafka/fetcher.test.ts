import { afterEach, expect, it } from "vitest";
import { Fetcher, type FetchTarget } from "./fetcher.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { OutageWarnings } from "./outage-warnings.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One node that leads everything and has records without end; it answers as the test says. */
class StubClient {
  readonly options = { brokers: ["b:9092"] };
  closed = false;
  requests = 0;
  onClose(): void {}
  noteFailure(): void {}
  sleep(_ms: number): Promise<void> {
    return nextTurn();
  }
  async leaderOf(): Promise<number> {
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
    const errorCode = 0;
    return { topic: "t", partition: 0, errorCode, stableOffset: 1e9, aborted: [], from: 0, to: 0 };
  }
}

class StubTarget implements FetchTarget {
  readonly topic = "t";
  readonly partition = 0;
  readonly topicId = null;
  readonly wantsRecords = true;
  readonly isBehind = true;
  fetchOffset: number;
  served = 0;
  error: unknown = null;
  constructor(fetchOffset: number) {
    this.fetchOffset = fetchOffset;
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
  return new Fetcher(
    { tail: kafka, behind: kafka },
    new OutageWarnings(
      () => undefined,
      () => 0,
    ),
  );
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
