import { expect, test } from "vitest";
import { SlotSet } from "./slot-set.ts";
import { seededRandom } from "./testing/drive.ts";

const ALL = 1e9;

test("holds each slot once, in the order in which it came", () => {
  const set = new SlotSet();
  for (const slot of [5, 3, 5, 0, 3, 100_000, 5]) set.add(slot);
  expect(set.size).toBe(4);
  expect([...set.take(ALL)]).toEqual([5, 3, 0, 100_000]);
});

test("is empty once taken, and what was taken stays as it was", () => {
  const set = new SlotSet();
  set.add(1);
  set.add(2);
  const taken = set.take(ALL);
  expect(set.size).toBe(0);
  expect([...set.take(ALL)]).toEqual([]);
  set.add(2);
  set.add(9);
  expect([...taken]).toEqual([1, 2]);
  expect([...set.take(ALL)]).toEqual([2, 9]);
});

test("hands over so many of the first that came; the rest stays, with what is added meanwhile", () => {
  const set = new SlotSet();
  for (const slot of [7, 8, 9]) set.add(slot);
  expect([...set.take(2)]).toEqual([7, 8]);
  for (const slot of [9, 7, 5]) set.add(slot);
  expect([...set.take(2)]).toEqual([9, 7]);
  expect([...set.take(2)]).toEqual([5]);
});

test("puts the first that came into another order; what is added meanwhile stays behind them", () => {
  const set = new SlotSet();
  for (const slot of [7, 9, 8, 1]) set.add(slot);
  expect([...set.take(1)]).toEqual([7]);
  set.add(4);
  set.arrange(3, (members) => members.slice().sort());
  expect([...set.take(ALL)]).toEqual([1, 8, 9, 4]);
  set.arrange(3, (members) => members);
  expect(set.size).toBe(0);
});

test("equals a Set however far it grows and however it is emptied", () => {
  const random = seededRandom(6);
  const set = new SlotSet();
  const model = new Set<number>();
  for (let i = 0; i < 100_000; i++) {
    const slot = Math.floor(random() ** 3 * 100_000);
    model.add(slot);
    set.add(slot);
    if (random() > 0.001) continue;
    const taken = [...model].slice(0, Math.floor(random() * 300));
    for (const member of taken) model.delete(member);
    expect([...set.take(taken.length)]).toEqual(taken);
  }
  expect(set.size).toBe(model.size);
  expect([...set.take(ALL)]).toEqual([...model]);
});
