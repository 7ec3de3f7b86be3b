import { expect, test } from "vitest";
import { CpuStageClock, noStageClock } from "./stage-clock.ts";

test("books to each stage what passed since the lap before it, whatever ran in between", () => {
  let micros = 100;
  const clock = new CpuStageClock(() => micros);
  micros = 130;
  clock.lap("decode");
  micros = 135;
  clock.lap("bronze");
  clock.lap("bronze");
  micros = 175;
  clock.lap("decode");
  expect([...clock.microsByStage]).toEqual([
    ["decode", 70],
    ["bronze", 5],
  ]);
});

test("the sum over the stages is the time since the start", () => {
  let micros = 0;
  const clock = new CpuStageClock(() => micros);
  for (let i = 1; i <= 100; i++) {
    micros += i;
    clock.lap(`stage ${i % 3}`);
  }
  expect([...clock.microsByStage.values()].reduce((sum, value) => sum + value, 0)).toBe(5050);
  expect(() => noStageClock.lap("any")).not.toThrow();
});
