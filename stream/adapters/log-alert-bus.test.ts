import { expect, it } from "vitest";
import { alertBusContract } from "../ports/alert-bus.contract.ts";
import { alertOf } from "../ports/alerts.fixture.ts";
import { batchOf } from "../ports/event-log.contract.ts";
import { LmdbEventLog } from "./lmdb-event-log.ts";
import { ALERTS_TOPIC, LogAlertBus } from "./log-alert-bus.ts";
import { temporaryFolder } from "./testing.ts";

const RETENTION_MS = 1000;

async function open() {
  const folder = await temporaryFolder();
  let now = 1000;
  const openLog = async (): Promise<LmdbEventLog> => {
    const log = new LmdbEventLog({ path: folder.path, clock: () => now });
    await log.createTopics([
      { name: ALERTS_TOPIC, partitions: 1, retentionMs: RETENTION_MS, retentionBytes: null },
    ]);
    return log;
  };
  const log = await openLog();
  const harness = {
    log,
    bus: new LogAlertBus(log),
    async expireAll(): Promise<void> {
      now += RETENTION_MS * 2;
      await harness.log.enforceRetention(now, () => []);
    },
    async reopen(): Promise<LogAlertBus> {
      await harness.bus.close();
      await harness.log.close();
      harness.log = await openLog();
      harness.bus = new LogAlertBus(harness.log);
      return harness.bus;
    },
    async dispose(): Promise<void> {
      await harness.bus.close();
      await harness.log.close();
      await folder.remove();
    },
  };
  return harness;
}

alertBusContract("embedded log", open);

it("forgets an id with its record, so that the index is as bounded as the topic", async () => {
  const { bus, log, expireAll, dispose } = await open();
  await bus.publish([alertOf("a")]);
  await expireAll();
  await bus.publish([alertOf("a")]);
  expect(await log.offsets(ALERTS_TOPIC, 0)).toEqual({ begin: 1, end: 2 });
  await dispose();
});

it("passes over a record that is no alert", async () => {
  const { bus, log, dispose } = await open();
  await log.append([batchOf(ALERTS_TOPIC, 0, ["{", "null", "7"])]);
  await bus.publish([alertOf("a")]);
  for await (const { alert } of bus.subscribe("begin", new AbortController().signal)) {
    expect(alert.id).toBe("a");
    break;
  }
  await dispose();
});

it("ends its subscriptions when it closes", async () => {
  const { bus, dispose } = await open();
  const iterator = bus.subscribe(null, new AbortController().signal)[Symbol.asyncIterator]();
  const next = iterator.next();
  await bus.close();
  expect((await next).done).toBe(true);
  await dispose();
});

it("closes the reader of a subscription that ends before its first alert is asked for", async () => {
  const { log, dispose } = await open();
  let opened = 0;
  let closed = 0;
  const counting: typeof log = Object.create(log);
  counting.reader = async (...place) => {
    const reader = await log.reader(...place);
    opened++;
    const close = reader.close.bind(reader);
    reader.close = () => {
      closed++;
      close();
    };
    return reader;
  };
  const bus = new LogAlertBus(counting);
  const early = new AbortController();
  bus.subscribe("begin", early.signal);
  early.abort();
  bus.subscribe("begin", AbortSignal.abort());
  await expect.poll(() => [opened, closed]).toEqual([2, 2]);
  // And of one that nobody ends.
  bus.subscribe("begin", new AbortController().signal);
  await expect.poll(() => opened).toBe(3);
  await bus.close();
  expect(closed).toBe(3);
  await dispose();
});
