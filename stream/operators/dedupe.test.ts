import { describe, expect, it } from "vitest";
import { type CustomerEventBatch, customerEventContract, RowFlag } from "../../schema/index.ts";
import { StateImageWriter } from "../runtime/state-image.ts";
import { restoreParts } from "../runtime/testing/restore-parts.ts";
import { defaultTimeConfig } from "../time/index.ts";
import { createDedupe } from "./dedupe.ts";
import { copyState } from "./testing/drive.ts";
import { createKeys, makeBatch } from "./testing/make-batch.ts";

const MINUTE = 60_000;
const CONFIG = { bucketMs: 10 * MINUTE, horizonMs: 0 };

function create(config = CONFIG) {
  return createDedupe<CustomerEventBatch>(config, {
    time: defaultTimeConfig,
    eventId: (batch) => batch.eventId,
    eventTime: (batch) => batch.eventTime,
  });
}

/** Whether each id was flagged. */
function feed(dedupe: ReturnType<typeof create>, ids: readonly string[], eventTime: number): boolean[] {
  const rows = ids.map((eventId) => ({ eventId, eventTime, eventType: "click", userId: "u" }));
  const batch = makeBatch<CustomerEventBatch>(customerEventContract, rows, { keys: createKeys() });
  dedupe.process(batch, 0, batch.length, { watermarkMs: 0, closeMs: 0 });
  return [...batch.flags].map((flag) => (flag & RowFlag.duplicate) !== 0);
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `id-${from + i}`);

describe("dedupe", () => {
  it("flags an id from its second sight on, with ids of any length", () => {
    const ids = ["", "a", "b", "a", "abcd", "abcde", "ünïcode", "abcd", "", "b"];
    expect(feed(create(), ids, 5)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it("finds every one of many ids again, also after a restore in the middle", () => {
    const dedupe = create();
    expect(feed(dedupe, numbered(0, 50_000), MINUTE)).not.toContain(true);
    const restored = create();
    copyState([dedupe.state], [restored.state]);
    restored.afterRestore?.();
    expect(feed(restored, numbered(0, 50_000), MINUTE)).not.toContain(false);
    expect(feed(restored, numbered(50_000, 60_000), MINUTE)).not.toContain(true);
    expect(restored.duplicates()).toBe(50_000);
  });

  it("finds ids of all ages while they move to a larger index", () => {
    const dedupe = create();
    for (let from = 0; from < 60_000; from += 500) {
      const old = Array.from({ length: from === 0 ? 0 : 500 }, (_, i) => `id-${(i * 7919 + from) % from}`);
      const flags = feed(dedupe, [...numbered(from, from + 500), ...old], MINUTE);
      expect(flags.indexOf(true)).toBe(from === 0 ? -1 : 500);
      expect(flags.lastIndexOf(false)).toBe(499);
    }
  });

  it("finds ids of a horizon of a day again behind a restore from a delta", () => {
    const config = { ...CONFIG, horizonMs: 24 * 60 * MINUTE };
    const dedupe = create(config);
    const writer = new StateImageWriter([dedupe.state]);
    const parts = writer.capture("full");
    const times = Array.from({ length: 144 }, (_, bucket) => bucket * 10 * MINUTE);
    for (const at of times) feed(dedupe, [`id-${at}`], at);
    parts.push(...writer.capture("delta"));
    const restored = create(config);
    restoreParts([restored.state], parts);
    restored.afterRestore?.();
    expect(times.flatMap((at) => feed(restored, [`id-${at}`], at))).not.toContain(false);
  });

  it("drops a bucket when it has closed, and then passes and counts its rows", () => {
    const dedupe = create();
    feed(dedupe, ["a"], 9 * MINUTE);
    dedupe.advance({ watermarkMs: 11 * MINUTE, closeMs: 10 * MINUTE - 1 });
    expect(feed(dedupe, ["a"], 9 * MINUTE)).toEqual([true]);
    dedupe.advance({ watermarkMs: 11 * MINUTE, closeMs: 10 * MINUTE });
    expect(feed(dedupe, ["a", "a"], 9 * MINUTE)).toEqual([false, false]);
    expect(dedupe.unchecked()).toBe(2);
    const restored = create();
    copyState([dedupe.state], [restored.state]);
    restored.afterRestore?.();
    expect(feed(restored, ["a"], 9 * MINUTE)).toEqual([false]);
    expect(restored.unchecked()).toBe(3);
  });

  it("keeps its memory flat while buckets come and go, at 20 bytes an id", () => {
    const dedupe = create();
    const bytes = (): number => dedupe.state.arrays.reduce((sum, array) => sum + array.values.byteLength, 0);
    let after: number | null = null;
    for (let bucket = 0; bucket < 12; bucket++) {
      const at = bucket * 10 * MINUTE;
      dedupe.advance({ watermarkMs: at, closeMs: at - MINUTE });
      expect(feed(dedupe, numbered(0, 20_000), at)).not.toContain(true);
      if (bucket === 4) after = bytes();
    }
    expect(bytes()).toBe(after);
  });

  it("keeps its ids at the end of the input", () => {
    const dedupe = create();
    feed(dedupe, ["a"], MINUTE);
    dedupe.advance({ watermarkMs: Number.POSITIVE_INFINITY, closeMs: Number.POSITIVE_INFINITY });
    expect(feed(dedupe, ["a"], MINUTE)).toEqual([true]);
  });
});
