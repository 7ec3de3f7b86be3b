import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HotBatchWriter } from "../sinks/hot-batch-writer.ts";
import type { HotBatch, HotStore } from "./hot-store.ts";

export interface HotStoreHarness {
  store: HotStore;
  /** Put before namespaces, so that a shared server can serve several runs. */
  readonly prefix: string;
  /** Lets so much time pass for the store: moves its clock, or waits. */
  elapse(ms: number): Promise<void>;
  reopen(): Promise<HotStore>;
  dispose(): Promise<void>;
}

const MINUTE_MS = 60_000;
const SHORT_MS = 40;

/** What every HotStore keeps. */
export function hotStoreContract(name: string, open: () => Promise<HotStoreHarness>): void {
  describe(`HotStore contract: ${name}`, () => {
    let harness: HotStoreHarness;
    let store: HotStore;
    let scores: string;

    beforeEach(async () => {
      harness = await open();
      store = harness.store;
      scores = `${harness.prefix}scores`;
    });
    afterEach(() => harness.dispose());

    function batch(
      entries: readonly (readonly [key: string, value: string])[],
      ttlMs = MINUTE_MS,
      namespace = scores,
    ): HotBatch {
      const writer = new HotBatchWriter(namespace, ttlMs);
      for (const [key, value] of entries) writer.put(key, value);
      return writer.take();
    }

    it("returns what was put, and null for what was not", async () => {
      await store.putMany(
        batch([
          ["u1", '{"score":0.5}'],
          ["u2", ""],
        ]),
      );
      expect(await store.get(scores, "u1")).toBe('{"score":0.5}');
      expect(await store.get(scores, "u2")).toBe("");
      expect(await store.get(scores, "u3")).toBeNull();
      expect(await store.get(`${harness.prefix}other`, "u1")).toBeNull();
    });

    it("keeps the newest write of a key, within one call and over calls", async () => {
      await store.putMany(
        batch([
          ["u1", "1"],
          ["u1", "2"],
        ]),
      );
      expect(await store.get(scores, "u1")).toBe("2");
      await store.putMany(batch([["u1", "3, a longer value than before"]]));
      await store.putMany(batch([["u1", "4"]]));
      expect(await store.get(scores, "u1")).toBe("4");
    });

    it("answers many keys in their order, repeated ones too", async () => {
      await store.putMany(
        batch([
          ["a", "1"],
          ["b", "2"],
        ]),
      );
      expect(await store.getMany(scores, ["b", "x", "a", "b"])).toEqual(["2", null, "1", "2"]);
      expect(await store.getMany(scores, [])).toEqual([]);
    });

    it("keeps any text: keys with colons, NUL and umlauts, the empty key, 20 kB keys, large values", async () => {
      const keys = [
        "",
        " ",
        "a:b",
        "a\0b",
        "Zoë/😀",
        "k".repeat(500),
        "😀".repeat(5000),
        `${"😀".repeat(5000)}x`,
      ];
      const large = JSON.stringify({ text: "ü€😀".repeat(20_000) });
      await store.putMany(batch(keys.map((key) => [key, `${key}${large}`])));
      expect(await store.getMany(scores, keys)).toEqual(keys.map((key) => `${key}${large}`));
    });

    it("does not confuse a namespace's end with a key's begin", async () => {
      await store.putMany(batch([["b", "1"]], MINUTE_MS, `${scores}a`));
      await store.putMany(batch([["ab", "2"]]));
      expect(await store.get(`${scores}a`, "b")).toBe("1");
      expect(await store.get(scores, "ab")).toBe("2");
    });

    it("never returns an expired value, swept or not, and a later write starts its time anew", async () => {
      await store.putMany(
        batch(
          [
            ["short", "1"],
            ["renewed", "3"],
          ],
          SHORT_MS,
        ),
      );
      await store.putMany(
        batch([
          ["long", "2"],
          ["renewed", "4"],
        ]),
      );
      await harness.elapse(SHORT_MS * 2);
      expect(await store.getMany(scores, ["short", "long", "renewed"])).toEqual([null, "2", "4"]);
    });

    it("sweeps expired entries only, and no more than asked for", async () => {
      const keys = (prefix: string): string[] => Array.from({ length: 25 }, (_, i) => `${prefix}-${i}`);
      await store.putMany(
        batch(
          keys("short").map((key) => [key, "x"]),
          SHORT_MS,
        ),
      );
      await store.putMany(batch(keys("long").map((key) => [key, "y"])));
      await harness.elapse(SHORT_MS * 2);
      // A server that expires by itself may leave nothing to sweep.
      for (let i = 0; i < 5; i++) expect(await store.sweep(10)).toBeLessThanOrEqual(10);
      expect(await store.sweep(10)).toBe(0);
      expect(await store.getMany(scores, keys("long"))).toEqual(keys("long").map(() => "y"));
    });

    it("deletes", async () => {
      await store.putMany(
        batch([
          ["a", "1"],
          ["b", "2"],
        ]),
      );
      await store.delete(scores, ["a", "never-there"]);
      await store.delete(scores, []);
      expect(await store.getMany(scores, ["a", "b"])).toEqual([null, "2"]);
    });

    it("takes many entries in one call, and has them after a restart", async () => {
      const entries = Array.from({ length: 20_000 }, (_, i) => [`user-${i}`, `{"n":${i}}`] as const);
      await store.putMany(batch(entries));
      await store.putMany(batch([]));
      store = await harness.reopen();
      const values = await store.getMany(
        scores,
        entries.map(([key]) => key),
      );
      expect(values).toEqual(entries.map(([, value]) => value));
    });
  });
}
