import { describe, expect, it } from "vitest";
import { murmur2, partitionOf } from "./partitioner.ts";

describe("partitionOf", () => {
  // Values of UtilsTest.testMurmur2 in Apache Kafka.
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ])("hashes %s as Kafka does", (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it("reads a key inside a longer buffer", () => {
    const bytes = Buffer.from("xx-foobar-yy");
    expect(murmur2(bytes, 3, 9)).toBe(murmur2(Buffer.from("foobar")));
    expect(partitionOf(bytes, 7, 3, 9)).toBe(partitionOf(Buffer.from("foobar"), 7));
  });

  it("stays in range and spreads keys evenly", () => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) counts[partitionOf(Buffer.from(`user-${i}`), 4)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
