import { describe, expect, it } from "vitest";
import { StateSection } from "../../schema/index.ts";
import { PendingLabels } from "./pending-labels.ts";
import { copyState, seededRandom } from "./testing/drive.ts";

const CAPACITY = 256;
const DAY = 86_400_000;

function create(section = new StateSection("s")): PendingLabels {
  return new PendingLabels(section, CAPACITY);
}

/** Everything that expired, as [score, time]. */
function expire(pending: PendingLabels, beforeMs: number): [number, number][] {
  const expired: [number, number][] = [];
  pending.expire(
    beforeMs,
    (_, time) => time,
    (score, time) => expired.push([score, time]),
  );
  return expired;
}

describe("scores that wait for their label", () => {
  it("leave their place to the next where the label takes them", () => {
    const pending = create();
    for (let i = 0; i < 20 * CAPACITY; i++) {
      pending.add(i, i, i / 1000);
      if (i >= CAPACITY / 2) expect(pending.take(i - CAPACITY / 2)).toBe((i - CAPACITY / 2) / 1000);
    }
    expect(pending.leftOut).toBe(0);
    expect(pending.size).toBe(CAPACITY / 2);
    expect(expire(pending, 1e9).map(([, time]) => time)).toEqual(
      Array.from({ length: CAPACITY / 2 }, (_, i) => 19.5 * CAPACITY + i),
    );
  });

  it("are a sample of all entities, new ones among them, where they are more than there is room for", () => {
    const pending = create();
    const count = 16 * CAPACITY;
    for (let i = 0; i < count; i++) {
      pending.add(i, i, 0.5);
      expect(pending.size).toBeLessThanOrEqual(CAPACITY);
    }
    expect(pending.size + pending.leftOut).toBe(count);
    const times = expire(pending, count).map(([, time]) => time);
    expect(times.length).toBeGreaterThan(CAPACITY / 4);
    for (let quarter = 0; quarter < 4; quarter++) {
      const own = times.filter((time) => Math.floor((4 * time) / count) === quarter).length;
      expect(own / times.length).toBeGreaterThan(0.15);
      expect(own / times.length).toBeLessThan(0.35);
    }
  });

  it("tell frauds, heard of soon, and genuine orders, of which nothing is heard, at one rate (seed 4)", () => {
    const random = seededRandom(4);
    const pending = create();
    const soon: { readonly entity: number; readonly at: number }[] = [];
    let at = 0;
    let told = { frauds: 0, genuine: 0 };
    const runDays = (days: number, perDay: number): void => {
      const end = at + days * DAY;
      for (; at < end; at += DAY / perDay) {
        const entity = Math.floor(random() * 2 ** 31);
        pending.add(entity, at, 0.5);
        if (random() < 0.2) soon.push({ entity, at: at + DAY });
        while (soon.length > 0 && soon[0].at <= at)
          if (!Number.isNaN(pending.take(soon.shift()?.entity ?? 0))) told.frauds++;
        told.genuine += expire(pending, at - 10 * DAY).length;
      }
    };
    const rateOf = (days: number, perDay: number): number => {
      told = { frauds: 0, genuine: 0 };
      runDays(days, perDay);
      return told.frauds / (told.frauds + told.genuine);
    };
    runDays(20, 1000);
    expect(rateOf(40, 1000)).toBeCloseTo(0.2, 1);
    // A tenth of the orders from now on: the sample grows again, at first with young ones alone.
    runDays(10, 100);
    const wider = rateOf(15, 100);
    expect(wider).toBeGreaterThan(0.14);
    expect(wider).toBeLessThan(0.27);
    runDays(40, 100);
    expect(pending.size).toBeGreaterThan(CAPACITY / 8);
  });

  it("are told by another outcome than the one that they were given at, also behind a restore", () => {
    const section = new StateSection("s");
    const first = create(section);
    first.add(1, 0, 0.5, 2 ** 40 + 7);
    first.add(2, 0, 0.6, 2 ** 40 + 7);
    first.add(3, 0, 0.7);
    expect(first.take(1, 2 ** 40 + 7)).toBeNaN();
    const next = new StateSection("s");
    const pending = create(next);
    copyState([section], [next]);
    pending.afterRestore();
    expect(pending.take(1, 2 ** 40 + 7)).toBeNaN();
    expect(pending.take(1, 8)).toBe(0.5);
    expect(pending.take(2)).toBe(0.6);
    expect(pending.take(3, 2 ** 40 + 7)).toBe(0.7);
  });

  it("go on after a restore as if nothing had happened (seed 5)", () => {
    const random = seededRandom(5);
    let section = new StateSection("s");
    let broken = create(section);
    const straight = create();
    for (let step = 0; step < 20_000; step++) {
      const entity = Math.floor(random() * 4000);
      const perStep = step < 10_000 ? 1 : 0.02;
      if (random() < perStep) for (const pending of [straight, broken]) pending.add(entity, step, step / 1e5);
      const judged = Math.floor(random() * 4000);
      if (random() < 0.2) expect(broken.take(judged)).toBe(straight.take(judged));
      expect(expire(broken, step - 1000)).toEqual(expire(straight, step - 1000));
      if (step % 997 !== 0) continue;
      const next = new StateSection("s");
      const restored = create(next);
      copyState([section], [next]);
      restored.afterRestore();
      [section, broken] = [next, restored];
    }
    expect(broken.size).toBe(straight.size);
  });

  it("go on from a state of before there were samples, with all its places taken", () => {
    const section = new StateSection("s");
    const entities = section.int32("pending-entities", -1);
    const times = section.float64("pending-times");
    const scores = section.float64("pending-scores");
    const ring = section.int32("pending-ring");
    for (const array of [entities, times, scores]) array.ensure(CAPACITY);
    ring.ensure(2);
    for (let i = 0; i < CAPACITY; i++) {
      entities.values[i] = i;
      times.values[i] = i;
      scores.values[i] = 0.5;
    }
    ring.values[1] = CAPACITY;
    for (const array of [entities, times, scores, ring]) array.markRange(0, array.length);
    const next = new StateSection("s");
    const pending = create(next);
    copyState([section], [next]);
    pending.afterRestore();
    expect(pending.size).toBe(CAPACITY);
    for (let i = 0; i < CAPACITY / 2; i++) expect(pending.take(i)).toBe(0.5);
    for (let i = 0; i < CAPACITY / 4; i++) pending.add(1000 + i, 1000, 0.7);
    expect(pending.leftOut).toBe(0);
    expect(pending.take(1000)).toBe(0.7);
    expect(expire(pending, 1e6)).toHaveLength((3 * CAPACITY) / 4 - 1);
  });
});
