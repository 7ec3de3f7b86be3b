import { describe, expect, it } from "vitest";
import { createRandom } from "../../training/random.ts";
import { DayPanes } from "./day-panes.ts";

describe("panes of days", () => {
  it("add up what a list of all values adds up, over gaps and late values", () => {
    const random = createRandom(1);
    const panes = new DayPanes(2, 2);
    const list: { day: number; field: number; value: number }[] = [];
    let today = 17_000;
    for (let i = 0; i < 400; i++) {
      today += random() < 0.05 ? 40 : Math.floor(random() * 3);
      const day = today - Math.floor(random() * 8);
      const one = { day, field: Math.floor(random() * 2), value: Math.floor(random() * 9) };
      panes.add(1, one.day, one.field, one.value);
      list.push(one);
      const newest = Math.max(...list.map((other) => other.day));
      for (const [from, to] of [
        [newest, newest],
        [newest - 6, newest],
        [newest - 29, newest - 7],
      ]) {
        const inWindow = list.filter((other) => other.field === 1 && other.day >= from && other.day <= to);
        expect(panes.sum(1, 1, from, to)).toBe(inWindow.reduce((total, { value }) => total + value, 0));
      }
    }
    expect(panes.sum(0, 1, today - 30, today)).toBe(0);
  });

  it("are empty for days after the last value", () => {
    const panes = new DayPanes(1, 1);
    panes.add(0, 100, 0, 5);
    expect(panes.sum(0, 0, 101, 110)).toBe(0);
    expect(panes.sum(0, 0, 90, 110)).toBe(5);
    expect(panes.sum(0, 0, 132, 140)).toBe(0);
  });
});
