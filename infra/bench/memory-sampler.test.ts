import { expect, test } from "vitest";
import { MemorySampler } from "./memory-sampler.ts";

test("tells the peak of all samples, and those of equal parts of the time", async () => {
  const sampler = new MemorySampler();
  await new Promise((done) => setTimeout(done, 400));
  const peak = sampler.stop();
  const peaks = sampler.peaksOf(3);
  expect(peak).toBeGreaterThan(0);
  expect(peaks).toHaveLength(3);
  expect(Math.max(...peaks)).toBe(peak);
});

test("has a figure for each part of a time that was too short for as many samples", () => {
  const sampler = new MemorySampler();
  sampler.stop();
  const peaks = sampler.peaksOf(10);
  expect(peaks.every((bytes) => bytes > 0)).toBe(true);
});

test("tells nothing of a process that is gone", () => {
  const sampler = new MemorySampler(2 ** 30);
  expect(sampler.stop()).toBe(0);
});
