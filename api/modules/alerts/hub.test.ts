import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LmdbEventLog } from "../../../stream/adapters/lmdb-event-log.ts";
import { ALERTS_TOPIC, LogAlertBus } from "../../../stream/adapters/log-alert-bus.ts";
import type { Alert } from "../../../stream/index.ts";
import { alertOf } from "../../server/api.fixture.ts";
import { AlertStreamError } from "./alert-stream-error.ts";
import { AlertHub } from "./hub.ts";

const ALERTS = 3_000;
const READERS = 8;

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("alert hub", () => {
  let home: string;
  let log: LmdbEventLog;
  let bus: LogAlertBus;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "millrace-hub-"));
    log = new LmdbEventLog({ path: home, clock: Date.now });
    await log.createTopics([{ name: ALERTS_TOPIC, partitions: 1, retentionMs: null, retentionBytes: null }]);
    bus = new LogAlertBus(log);
  });
  afterAll(async () => {
    await bus.close();
    await log.close();
    await rm(home, { recursive: true, force: true });
  });

  /** Reads to the end with breaks, pauses and, where it is too slow, the cursor that it is told. */
  async function readAll(
    hub: AlertHub,
    random: () => number,
    matches: (alert: Alert) => boolean,
    wanted: number,
  ): Promise<{ ids: string[]; slow: number }> {
    const ids: string[] = [];
    let after = "begin";
    let slow = 0;
    while (ids.length < wanted) {
      const subscription = hub.subscribe({ after, matches });
      const end = ids.length + Math.ceil(random() * 400);
      const lazy = random() < 0.3;
      try {
        for await (const { alert, cursor } of subscription) {
          ids.push(alert.id);
          after = cursor;
          if (ids.length >= Math.min(end, wanted)) break;
          if (lazy && random() < 0.05) for (let i = 0; i < 20; i++) await turn();
        }
      } catch (error) {
        if (!(error instanceof AlertStreamError)) throw error;
        expect(error.code).toBe("subscriber-too-slow");
        after = error.cursor ?? after;
        slow += 1;
      }
    }
    return { ids, slow };
  }

  it.each([1, 2, 3])(
    "gives every reader every alert once, in order, through any number of resumes (seed %i)",
    async (seed) => {
      const random = randomOf(seed);
      const hub = new AlertHub(bus, { queueMax: 24, ringMax: 64 }, (error) => {
        throw error;
      });
      hub.start();
      const kind = `seed-${seed}`;
      const alerts = Array.from({ length: ALERTS }, (_, i) =>
        alertOf({ kind, severity: i % 3 === 0 ? "high" : "low" }),
      );
      const high = alerts.filter((alert) => alert.severity === "high");
      const readers = Array.from({ length: READERS }, (_, i) => {
        const all = i % 2 === 0;
        const matches = (alert: Alert) => alert.kind === kind && (all || alert.severity === "high");
        return readAll(hub, randomOf(seed * 100 + i), matches, all ? ALERTS : high.length);
      });
      for (let at = 0; at < ALERTS; ) {
        const next = at + Math.ceil(random() * 40);
        await bus.publish(alerts.slice(at, next));
        at = next;
      }
      const results = await Promise.all(readers);
      results.forEach(({ ids }, i) => {
        expect(ids).toEqual((i % 2 === 0 ? alerts : high).map(({ id }) => id));
      });
      // The run is worth something only if readers did fall behind.
      expect(results.reduce((sum, { slow }) => sum + slow, 0)).toBeGreaterThan(0);
      expect(hub.subscribers).toBe(0);
      hub.close();
    },
  );

  it("tells all subscribers that the bus failed, and each a cursor behind which nothing is left out", async () => {
    let fails = (_error: Error): void => undefined;
    const failing = new Promise<never>((_resolve, reject) => {
      fails = reject;
    });
    failing.catch(() => undefined);
    const broken: typeof bus = Object.create(bus, {
      subscribe: {
        async *value(after: string | null, signal: AbortSignal) {
          const kept = bus.subscribe(after, signal)[Symbol.asyncIterator]();
          for (;;) {
            const next = await Promise.race([kept.next(), failing]);
            if (next.done === true) return;
            yield next.value;
          }
        },
      },
    });
    const hub = new AlertHub(broken, { queueMax: 24, ringMax: 64 }, () => undefined);
    const matches = ({ id }: Alert): boolean => id.startsWith("wanted");
    const fresh = hub.subscribe({ after: null, matches });
    const waiting = fresh.next();
    await expect.poll(() => hub.newest).not.toBeNull();
    await bus.publish([alertOf({ id: "wanted" }), alertOf({ id: "other" })]);
    const first = await waiting;
    if (first.done === true) throw new Error("ended");
    // Behind the last that it wants it joins the tail, and waits there.
    const resumed = hub.subscribe({ after: first.value.cursor, matches: () => false });
    const unseen = hub.subscribe({ after: null, matches });
    const ends = [fresh, resumed, unseen].map((each) => each.next());
    await turn();
    fails(new Error("no bus"));
    for (const end of ends)
      await expect(end).rejects.toMatchObject({ code: "alert-bus-failed", cursor: expect.any(String) });
    hub.close();
  });
});
