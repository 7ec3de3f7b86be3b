import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { temporaryFolder } from "../../stream/adapters/testing.ts";
import { type RunClaims, runClaims } from "./run-claims.ts";

const HOUR = 3_600_000;

async function withClaims(
  use: (
    of: (aheadMs?: number) => RunClaims,
    time: { now: number },
    keys: () => Promise<string[]>,
    path: string,
  ) => Promise<void>,
): Promise<void> {
  const folder = await temporaryFolder();
  const time = { now: Date.now() };
  try {
    const objects = new LocalObjectStore(folder.path);
    const keys = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of objects.list("quality/")) found.push(key);
      return found;
    };
    await use(
      (aheadMs = 0) => runClaims(objects, "quality/turns/", () => time.now + aheadMs),
      time,
      keys,
      folder.path,
    );
  } finally {
    await folder.remove();
  }
}

describe("claims of turns", () => {
  it("go to one of many, once, never backwards, and not before the one before is over", () =>
    withClaims(async (of, time, keys) => {
      const taken = await Promise.all([of(), of(), of()].map((each) => each.claim(7)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect([await of().claim(6), await of().claim(7), await of().claim(8)]).toEqual([false, false, false]);
      await of().finish(7);
      expect([await of().claim(6), await of().claim(7), await of().claim(8)]).toEqual([false, false, true]);
      // One that is given back is free.
      await of().release(8);
      expect(await of().claim(8)).toBe(true);
      // Its process was killed.
      time.now += 2 * HOUR;
      expect(await of().claim(9)).toBe(true);
      expect(await keys()).toHaveLength(1);
    }));

  it("of different turns at one moment go to one at most, and to somebody soon after", () =>
    withClaims(async (of) => {
      for (let turn = 0; turn < 200; turn += 10) {
        const some = [turn, turn + 3, turn + 5];
        const taken = await Promise.all(some.map((each) => of().claim(each)));
        expect(taken.filter(Boolean).length).toBeLessThanOrEqual(1);
        const last = turn + 8;
        if (!taken.includes(true)) expect(await of().claim(last)).toBe(true);
        await of().finish(taken.includes(true) ? some[taken.indexOf(true)] : last);
      }
    }));

  it("that are renewed are not taken for those of a killed process", () =>
    withClaims(async (of, _time, keys, path) => {
      const twoHoursAgo = new Date(Date.now() - 2 * HOUR);
      for (const renewed of [true, false]) {
        const turn = renewed ? 7 : 9;
        expect(await of().claim(turn)).toBe(true);
        for (const key of await keys()) await utimes(join(path, key), twoHoursAgo, twoHoursAgo);
        if (renewed) await of().renew(turn);
        expect(await of().claim(turn + 1)).toBe(!renewed);
        await of().finish(renewed ? turn : turn + 1);
      }
    }));

  it("of a clock that was hours ahead keep nobody from his", () =>
    withClaims(async (of, time, keys) => {
      const ahead = time.now + 3 * HOUR;
      expect(await of(3 * HOUR).claim(ahead)).toBe(true);
      await of(3 * HOUR).finish(ahead);
      expect(await of().claim(time.now)).toBe(true);
      expect(await keys()).toHaveLength(1);
    }));
});
