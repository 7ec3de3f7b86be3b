import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PositionedAlert } from "../ports/alert-bus.ts";
import { alertOf } from "../ports/alerts.fixture.ts";
import {
  batchOf,
  eventLogContract,
  eventLogRetentionContract,
  readRecords,
} from "../ports/event-log.contract.ts";
import { HomeLog } from "./home-log.ts";
import { ALERTS_TOPIC, LogAlertBus } from "./log-alert-bus.ts";
import { logHarness, temporaryFolder } from "./testing.ts";

const open = () => logHarness((home, clock) => new HomeLog(home, { clock, writesOn: "thread" }));

eventLogContract("home", open);
eventLogRetentionContract("home", open);

describe("alerts, which are not synced to disk", () => {
  const specs = ["orders", ALERTS_TOPIC].map((name) => ({
    name,
    partitions: 1,
    retentionMs: null,
    retentionBytes: null,
  }));
  const START_MS = 1_700_000_000_000;
  let home: string;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    ({ path: home, remove } = await temporaryFolder());
  });
  afterEach(() => remove());

  /** Another process publishes `a` and `b`, and is killed. */
  function publishAndDie(bootId: string | null): void {
    const script = `
      import { HomeLog } from ${JSON.stringify(new URL("./home-log.ts", import.meta.url))};
      import { LogAlertBus } from ${JSON.stringify(new URL("./log-alert-bus.ts", import.meta.url))};
      import { alertOf } from ${JSON.stringify(new URL("../ports/alerts.fixture.ts", import.meta.url))};
      const log = new HomeLog(${JSON.stringify(home)}, { clock: Date.now, bootId: ${JSON.stringify(bootId)} });
      await log.createTopics(${JSON.stringify(specs)});
      await new LogAlertBus(log).publish([alertOf("a"), alertOf("b")]);
      process.kill(process.pid, "SIGKILL");
    `;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect([child.signal, child.stderr]).toEqual(["SIGKILL", ""]);
  }

  async function withBus<T>(
    bootId: string | null,
    use: (bus: LogAlertBus, log: HomeLog) => Promise<T>,
  ): Promise<T> {
    const log = new HomeLog(home, { clock: () => START_MS, bootId });
    await log.createTopics(specs);
    const bus = new LogAlertBus(log);
    try {
      return await use(bus, log);
    } finally {
      await bus.close();
      await log.close();
    }
  }

  async function take(bus: LogAlertBus, after: string | null, count: number): Promise<PositionedAlert[]> {
    const taken: PositionedAlert[] = [];
    for await (const positioned of bus.subscribe(after, new AbortController().signal)) {
      taken.push(positioned);
      if (taken.length === count) break;
    }
    return taken;
  }
  const ids = (alerts: readonly PositionedAlert[]): string[] => alerts.map(({ alert }) => alert.id);
  const marks = (): number =>
    readdirSync(join(home, "alerts")).filter((name) => /^unsynced/.test(name)).length;

  it("are all there behind a kill, in the same boot of the machine", async () => {
    publishAndDie("first");
    expect(marks()).toBe(1);
    await withBus("first", async (bus) => {
      await bus.publish([alertOf("b"), alertOf("c")]);
      expect(ids(await take(bus, "begin", 3))).toEqual(["a", "b", "c"]);
    });
    // The one that was killed has nothing more to write.
    expect(marks()).toBe(0);
  });

  it("are all there behind a stop, in every later boot", async () => {
    const [{ cursor }] = await withBus("first", async (bus) => {
      await bus.publish([alertOf("a"), alertOf("b")]);
      return take(bus, "begin", 1);
    });
    expect(marks()).toBe(0);
    await withBus("second", async (bus) => {
      await bus.publish([alertOf("c")]);
      expect(ids(await take(bus, cursor, 2))).toEqual(["b", "c"]);
    });
  });

  it.each(["second", null])(
    "begin anew where the machine went down meanwhile: cursors know that (%s)",
    async (bootId) => {
      const [, { cursor }] = await withBus("first", async (bus) => {
        await bus.publish([alertOf("x"), alertOf("y")]);
        return take(bus, "begin", 2);
      });
      publishAndDie("first");
      await withBus(bootId, async (bus, log) => {
        // Those that the tasks raise again, and others.
        await bus.publish([alertOf("b"), alertOf("c"), alertOf("d")]);
        await expect(take(bus, cursor, 1)).rejects.toMatchObject({ code: "cursor-gap" });
        const kept = await take(bus, "begin", 3);
        expect(ids(kept)).toEqual(["b", "c", "d"]);
        expect(ids(await take(bus, kept[0].cursor, 2))).toEqual(["c", "d"]);
        const begin = START_MS * 1_000;
        expect(await log.offsets(ALERTS_TOPIC, 0)).toEqual({ begin, end: begin + 3 });
      });
      expect(readdirSync(home).sort()).toEqual(["alerts", "log"]);
      // What follows goes on from there.
      await withBus(bootId, async (bus) => expect(ids(await take(bus, "begin", 3))).toEqual(["b", "c", "d"]));
    },
  );

  it("begin anew where somebody has taken them away: cursors know that", async () => {
    const [{ cursor }] = await withBus("first", async (bus) => {
      await bus.publish([alertOf("x")]);
      return take(bus, "begin", 1);
    });
    rmSync(join(home, "alerts"), { recursive: true });
    await withBus("first", async (bus) => {
      await bus.publish([alertOf("y"), alertOf("z")]);
      await expect(take(bus, cursor, 1)).rejects.toMatchObject({ code: "cursor-gap" });
    });
  });

  it("are not written to by who only opens them", async () => {
    await withBus("first", (bus) => bus.publish([alertOf("a")]));
    await withBus("first", async () => expect(marks()).toBe(0));
  });

  it("do not keep a log from closing whose folder is gone", async () => {
    await withBus("first", async (bus) => {
      await bus.publish([alertOf("a")]);
      rmSync(join(home, "alerts"), { recursive: true });
    });
  });

  it("keep the mark of who still has them open", async () => {
    const other = new HomeLog(home, { clock: Date.now, bootId: "first" });
    await other.createTopics(specs);
    await withBus("first", (bus) => bus.publish([alertOf("a")]));
    expect(marks()).toBe(1);
    await other.close();
    expect(marks()).toBe(0);
  });

  it("are synced where the system tells no boot", async () => {
    publishAndDie(null);
    expect(marks()).toBe(0);
    await withBus(null, async (bus) => expect(ids(await take(bus, "begin", 2))).toEqual(["a", "b"]));
  });
});

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
