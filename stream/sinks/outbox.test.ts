import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import type { AlertBus } from "../ports/alert-bus.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { HotStore } from "../ports/hot-store.ts";
import { recordTexts } from "../ports/record-texts.fixture.ts";
import { probeAlert, RuntimeHome } from "../runtime/testing/runtime-home.ts";
import { WorkTally } from "../runtime/work-tally.ts";
import { Outbox } from "./outbox.ts";

describe("outbox", () => {
  let home: RuntimeHome;
  beforeEach(async () => {
    home = await RuntimeHome.open();
  });
  afterEach(() => home.remove());

  function createOutbox(
    ports: {
      readonly log?: EventLog;
      readonly alertBus?: AlertBus;
      readonly hotStore?: HotStore;
      readonly tally?: WorkTally;
    } = {},
  ): Outbox {
    const { log, hotStore, alertBus } = home;
    return new Outbox({ log, hotStore, alertBus, taskId: "events-0", paneTopic: "panes", ...ports });
  }

  const putHot = (outbox: Outbox, key: string, value: string): void =>
    outbox.namespace("probe", 1e9).put(key, value);
  const pane = (text: string, sequence: number | null, stream = "products") => ({
    stream,
    bytes: Buffer.from(text),
    sequence,
  });

  const panes = () => recordTexts(home.log, "panes");

  test("when a flush resolves, everything added before it is written", async () => {
    const outbox = createOutbox();
    outbox.addAlert(probeAlert("first", 1));
    outbox.addPane(pane("block 0", 0));
    putHot(outbox, "k", "1");
    await outbox.flush();
    expect(await home.alerts()).toEqual([1]);
    expect(await panes()).toEqual(["block 0"]);
    expect(await home.hotStore.get("probe", "k")).toBe("1");
    expect(outbox.pending).toBe(0);
  });

  test("counts alerts by kind and hot values once they are taken, and failures by their code", async () => {
    const tally = new WorkTally();
    const outbox = createOutbox({ tally });
    outbox.addAlert(probeAlert("first", 1));
    outbox.addAlert(probeAlert("first", 2));
    putHot(outbox, "k", "1");
    await outbox.flush();
    expect(tally.take().counts).toEqual(
      expect.arrayContaining([
        { name: "alerts", labels: ["probe"], count: 2 },
        { name: "hotValues", labels: [], count: 1 },
      ]),
    );
    const error = new MillraceError("away", { code: "hot-store-unreachable", origin: "external" });
    const away = { putMany: () => Promise.reject(error) } as unknown as HotStore;
    const failing = createOutbox({ tally, hotStore: away });
    putHot(failing, "k", "2");
    await expect(failing.flush()).rejects.toBe(error);
    expect(tally.take().counts).toEqual([
      { name: "hotFailures", labels: ["hot-store-unreachable"], count: 1 },
    ]);
  });

  test("a flush waits for writes that an earlier one began", async () => {
    const outbox = createOutbox();
    for (let i = 0; i < 20; i++) {
      outbox.addAlert(probeAlert("first", i));
      void outbox.flush();
    }
    await outbox.flush();
    expect(await home.alerts()).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(outbox.pending).toBe(0);
  });

  test("pending counts what is added and what is being written, until it is", async () => {
    const outbox = createOutbox();
    for (let i = 0; i < 3; i++) outbox.addAlert(probeAlert("first", i));
    outbox.addPane(pane("p", 0));
    putHot(outbox, "k", "1");
    expect(outbox.pending).toBe(5);
    const flushed = outbox.flush();
    outbox.addAlert(probeAlert("first", 9));
    expect(outbox.pending).toBeGreaterThanOrEqual(4);
    await flushed;
    expect(outbox.pending).toBe(1);
    await outbox.flush();
    expect(outbox.pending).toBe(0);
  });

  test("hot values leave in parts before any flush, and the newest of a key stays", async () => {
    const parts: number[] = [];
    const hotStore: HotStore = Object.create(home.hotStore);
    hotStore.putMany = (batch) => {
      parts.push(batch.count);
      return home.hotStore.putMany(batch);
    };
    const outbox = createOutbox({ hotStore });
    const large = "x".repeat(10_000);
    for (let i = 0; i < 250; i++) putHot(outbox, `k${i % 100}`, `${i} ${large}`);
    expect(parts.length).toBeGreaterThanOrEqual(2);
    const before = parts.length;
    await outbox.flush();
    expect(parts.length).toBe(before + 1);
    expect(parts.reduce((sum, count) => sum + count)).toBe(250);
    expect(await home.hotStore.get("probe", "k49")).toBe(`249 ${large}`);
    expect(await home.hotStore.get("probe", "k50")).toBe(`150 ${large}`);
  });

  test("a rejected write surfaces on the flush that began it and on every later one", async () => {
    const alertBus: AlertBus = Object.create(home.alertBus);
    let failures = 1;
    alertBus.publish = (alerts) =>
      failures-- > 0 ? Promise.reject(new Error("bus is down")) : home.alertBus.publish(alerts);
    const outbox = createOutbox({ alertBus });
    outbox.addAlert(probeAlert("first", 1));
    await expect(outbox.flush()).rejects.toThrow("bus is down");
    // A checkpoint must never be prepared behind it, though the bus is well again.
    outbox.addAlert(probeAlert("first", 2));
    await expect(outbox.flush()).rejects.toThrow("bus is down");
    await expect(outbox.flush()).rejects.toThrow("bus is down");
  });

  test("a part of the hot values that is rejected on its way surfaces on the next flush", async () => {
    const hotStore: HotStore = Object.create(home.hotStore);
    hotStore.putMany = () => Promise.reject(new Error("store is full"));
    const outbox = createOutbox({ hotStore });
    putHot(outbox, "k", "x".repeat(1 << 20));
    await new Promise((resolve) => setImmediate(resolve));
    expect(outbox.pending).toBe(0);
    await expect(outbox.flush()).rejects.toThrow("store is full");
  });

  test("no block goes out past one that failed: a replay still brings it", async () => {
    let failures = 1;
    const log: EventLog = Object.create(home.log);
    log.append = (batches, producer) =>
      failures-- > 0 ? Promise.reject(new Error("disk full")) : home.log.append(batches, producer);
    const outbox = createOutbox({ log });
    outbox.addPane(pane("block 0", 0));
    const first = outbox.flushUrgent();
    outbox.addPane(pane("block 1", 1));
    await expect(first).rejects.toThrow("disk full");
    await expect(outbox.flushUrgent()).rejects.toThrow("disk full");
    const replay = createOutbox();
    for (const i of [0, 1]) replay.addPane(pane(`block ${i}`, i));
    await replay.flush();
    expect(await panes()).toEqual(["block 0", "block 1"]);
  });

  test("a replay's panes are dropped by the log, with other cuts none is lost", async () => {
    const first = createOutbox();
    for (const n of [0, 1, 2]) first.addPane(pane(`block ${n}`, n));
    await first.flush();
    const replay = createOutbox();
    replay.addPane(pane("block 1", 1));
    await replay.flush();
    replay.addPane(pane("block 2", 2));
    replay.addPane(pane("block 3", 3));
    await replay.flush();
    // A batch with anything new is appended whole: its reader tells blocks apart by sequence.
    expect(await panes()).toEqual(["block 0", "block 1", "block 2", "block 2", "block 3"]);
  });

  test("a marker goes without a sequence, by itself and beside blocks", async () => {
    const outbox = createOutbox();
    outbox.addPane(pane("idle", null));
    await outbox.flush();
    outbox.addPane(pane("idle", null));
    outbox.addPane(pane("block 0", 0));
    await outbox.flush();
    expect(await panes()).toEqual(["idle", "idle", "block 0"]);
  });

  test("waits on its writes alone, not on a chain of all flushes since the start", async () => {
    const outbox = createOutbox();
    for (let i = 0; i < 3000; i++) {
      putHot(outbox, "k", String(i));
      void outbox.flush();
      if (i % 100 === 0) await outbox.flush();
    }
    await outbox.flush();
    expect(outbox.pending).toBe(0);
    expect(await home.hotStore.get("probe", "k")).toBe("2999");
  });
});
