import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Alert, AlertBus, PositionedAlert } from "./alert-bus.ts";
import { alertOf } from "./alerts.fixture.ts";

export interface AlertBusHarness {
  bus: AlertBus;
  /** Makes retention drop all alerts that are there now. */
  expireAll(): Promise<void>;
  reopen(): Promise<AlertBus>;
  dispose(): Promise<void>;
}

/** What every AlertBus keeps. */
export function alertBusContract(name: string, open: () => Promise<AlertBusHarness>): void {
  describe(`AlertBus contract: ${name}`, () => {
    let harness: AlertBusHarness;
    let bus: AlertBus;
    let stop: AbortController;

    beforeEach(async () => {
      harness = await open();
      bus = harness.bus;
      stop = new AbortController();
    });
    afterEach(async () => {
      stop.abort();
      await harness.dispose();
    });

    const take = async (after: string | null, count: number): Promise<PositionedAlert[]> =>
      collect(bus.subscribe(after, stop.signal), count);
    const ids = (alerts: readonly PositionedAlert[]): string[] =>
      alerts.map(({ alert }) => `${alert.id}#${alert.revision}`);

    it("hands every kept alert over whole and in order, from the begin", async () => {
      const alerts = [alertOf("a"), alertOf("b"), alertOf("c")];
      await bus.publish(alerts);
      await bus.publish([]);
      expect((await take("begin", 3)).map(({ alert }) => alert)).toEqual(alerts);
    });

    it("drops a repeat of id and revision, within a call, over calls and over a restart; not a revision", async () => {
      await bus.publish([alertOf("a"), alertOf("a"), alertOf("b")]);
      await bus.publish([alertOf("b"), alertOf("a", 2)]);
      bus = await harness.reopen();
      await bus.publish([alertOf("a"), alertOf("a", 2), alertOf("last")]);
      expect(ids(await take("begin", 4))).toEqual(["a#1", "b#1", "a#2", "last#1"]);
    });

    it("gives a live subscriber only what comes after its call", async () => {
      await bus.publish([alertOf("old")]);
      const alerts = bus.subscribe(null, stop.signal);
      await bus.publish([alertOf("new-1"), alertOf("new-2")]);
      expect(ids(await collect(alerts, 2))).toEqual(["new-1#1", "new-2#1"]);
    });

    it("wakes all subscribers that wait", async () => {
      const waiting = [take(null, 2), take(null, 2), take("begin", 2)];
      await bus.publish([alertOf("a")]);
      await bus.publish([alertOf("b")]);
      for (const alerts of await Promise.all(waiting)) expect(ids(alerts)).toEqual(["a#1", "b#1"]);
    });

    it("resumes after any cursor without loss or repeat, over a restart too", async () => {
      const all = Array.from({ length: 30 }, (_, i) => alertOf(`a${i}`));
      for (let i = 0; i < 30; i += 7) await bus.publish(all.slice(i, i + 7));
      const cursors = (await take("begin", 30)).map(({ cursor }) => cursor);
      bus = await harness.reopen();
      for (const at of [0, 6, 7, 15, 28]) {
        expect(ids(await take(cursors[at], 29 - at))).toEqual(ids(positioned(all.slice(at + 1))));
      }
      const live = take(cursors[29], 1);
      await bus.publish([alertOf("next")]);
      expect(ids(await live)).toEqual(["next#1"]);
    });

    it("tells the positions behind which the oldest comes, and the next one, of an empty bus too", async () => {
      const empty = [await bus.position("oldest"), await bus.position("next")];
      await bus.publish([alertOf("a"), alertOf("b")]);
      for (const position of [...empty, await bus.position("oldest")])
        expect(ids(await take(position, 2))).toEqual(["a#1", "b#1"]);
      const position = await bus.position("next");
      expect((await take("begin", 2))[1].cursor).toBe(position);
      const after = take(position, 2);
      await bus.publish([alertOf("c"), alertOf("d")]);
      expect(ids(await after)).toEqual(["c#1", "d#1"]);
      await harness.expireAll();
      await bus.publish([alertOf("e")]);
      await expect(take(empty[1], 1)).rejects.toMatchObject({ code: "cursor-gap" });
      expect(ids(await take(await bus.position("oldest"), 1))).toEqual(["e#1"]);
    });

    it("says so where retention has dropped what a cursor needs", async () => {
      await bus.publish([alertOf("a"), alertOf("b"), alertOf("c")]);
      const [first] = await take("begin", 1);
      await harness.expireAll();
      await bus.publish([alertOf("d")]);
      await expect(take(first.cursor, 1)).rejects.toMatchObject({ code: "cursor-gap" });
      expect(ids(await take("begin", 1))).toEqual(["d#1"]);
    });

    it("refuses what is no cursor", async () => {
      for (const cursor of ["", "nonsense", "AAAA", "begin "]) {
        await expect(take(cursor, 1)).rejects.toMatchObject({ code: "cursor-invalid" });
      }
    });

    it("ends a subscription on its signal, waiting or not", async () => {
      const waiting = collect(bus.subscribe(null, stop.signal), 1);
      stop.abort();
      expect(await waiting).toEqual([]);
      await bus.publish([alertOf("a")]);
      expect(await collect(bus.subscribe("begin", stop.signal), 1)).toEqual([]);
    });
  });
}

function positioned(alerts: readonly Alert[]): PositionedAlert[] {
  return alerts.map((alert) => ({ alert, cursor: "" }));
}

async function collect(alerts: AsyncIterable<PositionedAlert>, count: number): Promise<PositionedAlert[]> {
  const taken: PositionedAlert[] = [];
  for await (const alert of alerts) {
    taken.push(alert);
    if (taken.length === count) break;
  }
  return taken;
}
