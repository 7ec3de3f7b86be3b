import { expect, it } from "vitest";
import {
  batchOf,
  eventLogContract,
  eventLogRetentionContract,
  readRecords,
} from "../ports/event-log.contract.ts";
import { HomeLog } from "./home-log.ts";
import { ALERTS_TOPIC } from "./log-alert-bus.ts";
import { logHarness } from "./testing.ts";

const open = () => logHarness((home, clock) => new HomeLog(home, { clock, writesOn: "thread" }));

eventLogContract("home", open);
eventLogRetentionContract("home", open);

it("is one log to whoever lists, reads or commits alerts and other topics", async () => {
  const { log, reopen, dispose } = await open();
  const retention = { retentionMs: null, retentionBytes: null };
  const specs = [
    { name: "orders", partitions: 2, ...retention },
    { name: ALERTS_TOPIC, partitions: 1, ...retention },
  ];
  await log.createTopics(specs);
  await log.append([batchOf("orders", 1, ["an order"])]);
  await log.appendUnique(ALERTS_TOPIC, 0, [{ id: "1/a", value: Buffer.from("an alert") }]);
  await log.commitOffsets("group", [
    { topic: "orders", partition: 1, offset: 1 },
    { topic: ALERTS_TOPIC, partition: 0, offset: 1 },
  ]);
  const again = await reopen();
  expect(await again.topics()).toEqual(specs);
  for (const [topic, partition, value] of [
    ["orders", 1, "an order"],
    [ALERTS_TOPIC, 0, "an alert"],
  ] as const) {
    const records = await readRecords(await again.reader(topic, partition, 0), 1);
    expect(records).toEqual([expect.objectContaining({ value })]);
  }
  expect(await again.committedOffset("group", ALERTS_TOPIC, 0)).toBe(1);
  await dispose();
});
