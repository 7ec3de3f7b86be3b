import { expect, it } from "vitest";
import { IdIndex } from "./id-index.ts";

it("keeps the first offset of an id, in whatever order they come", () => {
  const index = new IdIndex(10);
  index.note("a", 7);
  index.note("a", 9);
  expect(index.first("a")).toBe(7);
  index.note("a", 3);
  expect(index.first("a")).toBe(3);
  expect(index.first("b")).toBeUndefined();
});

it("keeps the newest half of its bound at least, and forgets the oldest", () => {
  const index = new IdIndex(100);
  for (let i = 0; i < 1000; i++) {
    index.note(`id-${i}`, i);
    for (let back = 0; back < 50 && back <= i; back += 7)
      expect(index.first(`id-${i - back}`)).toBe(i - back);
  }
  expect(index.first("id-899")).toBeUndefined();
});
