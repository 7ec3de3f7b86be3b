import { expect, test } from "vitest";
import { Silences } from "./silences.ts";

const IDLE_AFTER_MS = 5000;
const never = (): boolean => false;

/** Looks every so often up to a time; when each task was found silent. */
function lookUntil(
  silences: Silences,
  { from, to, everyMs = 200 }: { readonly from: number; readonly to: number; readonly everyMs?: number },
  isBehind: (task: number) => boolean = never,
): (readonly [task: number, atMs: number])[] {
  const silent: (readonly [number, number])[] = [];
  for (let now = from; now <= to; now += everyMs)
    for (const task of silences.look(now, isBehind)) silent.push([task, now]);
  return silent;
}

test("a task is silent once after the time, and again after its next record", () => {
  const silences = new Silences(IDLE_AFTER_MS, 1);
  silences.break(0);
  expect(lookUntil(silences, { from: 0, to: 20_000 })).toEqual([[0, 5000]]);
  silences.break(0);
  expect(lookUntil(silences, { from: 20_200, to: 40_000 })).toEqual([[0, 25_200]]);
});

test("none is silent before the first record of any, then also those that never had one", () => {
  const silences = new Silences(IDLE_AFTER_MS, 2);
  expect(lookUntil(silences, { from: 0, to: 20_000 })).toEqual([]);
  silences.break(0);
  expect(lookUntil(silences, { from: 20_200, to: 30_000 })).toEqual([
    [0, 25_200],
    [1, 25_200],
  ]);
});

test("a process that stood still for a minute finds nobody silent: what came meanwhile is read first", () => {
  const silences = new Silences(IDLE_AFTER_MS, 2);
  for (const task of [0, 1]) silences.break(task);
  expect(lookUntil(silences, { from: 0, to: 1000 })).toEqual([]);
  // The first look behind it comes before the log has delivered anything.
  expect(lookUntil(silences, { from: 61_000, to: 61_400 })).toEqual([]);
  silences.break(0);
  // The other's silence goes on to be counted in looks.
  expect(lookUntil(silences, { from: 61_600, to: 70_000 })).toEqual([
    [1, 63_800],
    [0, 66_600],
  ]);
});

test("a task whose records are on their way is not silent, however long they take", () => {
  const silences = new Silences(IDLE_AFTER_MS, 2);
  for (const task of [0, 1]) silences.break(task);
  const silent = lookUntil(silences, { from: 0, to: 60_000 }, (task) => task === 1);
  expect(silent).toEqual([[0, 5000]]);
  expect(lookUntil(silences, { from: 60_200, to: 70_000 })).toEqual([[1, 65_000]]);
});
