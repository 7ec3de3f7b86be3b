import { describe, expect, it } from "vitest";
import { OrderSamples, type OrderVerdict } from "./order-samples.ts";
import { createRandom } from "./random.ts";

const HOUR = 3_600_000;

function samplesOf(times: readonly number[], rowsMax = 100): OrderSamples {
  const samples = new OrderSamples(["time"], rowsMax);
  times.forEach((timeMs, i) => {
    samples.add({ orderId: `o${i}`, timeMs, partition: 0, offset: i, vector: Float64Array.of(timeMs) });
  });
  return samples;
}

const verdict = (isFraud: boolean, knownMs: number): OrderVerdict => ({ isFraud, knownMs });

describe("samples of orders", () => {
  it("take an order without a verdict for genuine once nearly all frauds of its age are known", () => {
    const samples = samplesOf([0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]);
    // Frauds become known after two hours.
    const verdicts = new Map([
      ["o0", verdict(true, 2 * HOUR)],
      ["o2", verdict(false, 3 * HOUR)],
    ]);
    const { dataset, unknown, matureMs } = samples.dataset({ verdicts, nowMs: 4 * HOUR });
    expect(matureMs).toBe(2 * HOUR);
    expect([...dataset.times]).toEqual([0, HOUR, 2 * HOUR]);
    expect([...dataset.labels]).toEqual([1, 0, 0]);
    expect(unknown).toBe(2);
    expect([...dataset.vectors]).toEqual([...dataset.times]);
  });

  it("leave young orders out whatever their verdict: the newest have as many frauds as the others (seed 5)", () => {
    const DAY = 24 * HOUR;
    const random = createRandom(5);
    const times = Array.from({ length: 20_000 }, (_, i) => (i / 20_000) * 60 * DAY);
    const nowMs = 60 * DAY;
    const verdicts = new Map(
      times.flatMap((timeMs, i) => {
        const knownMs = timeMs + random() * 20 * DAY;
        return random() < 0.05 && knownMs <= nowMs ? [[`o${i}`, verdict(true, knownMs)] as const] : [];
      }),
    );
    const { dataset, unknown } = samplesOf(times, times.length).dataset({ verdicts, nowMs });
    expect(dataset.rows + unknown).toBe(times.length);
    expect(unknown / times.length).toBeCloseTo(1 / 3, 1);
    const rateOf = (labels: Float64Array): number =>
      labels.reduce((sum, label) => sum + label, 0) / labels.length;
    expect(rateOf(dataset.labels)).toBeCloseTo(0.05, 2);
    expect(rateOf(dataset.labels.subarray(-2000))).toBeGreaterThan(0.035);
    expect(rateOf(dataset.labels.subarray(-2000))).toBeLessThan(0.07);
  });

  it("know of no genuine order without a verdict before the first fraud is known", () => {
    const { dataset, unknown } = samplesOf([0, HOUR]).dataset({ verdicts: new Map(), nowMs: 1e15 });
    expect([dataset.rows, unknown]).toEqual([0, 2]);
  });

  it("keep those of the newest event times, whatever comes when: partitions come one after the other (seed 6)", () => {
    const random = createRandom(6);
    const orders = Array.from({ length: 1000 }, (_, i) => ({
      orderId: `o${i}`,
      timeMs: Math.floor(random() * 300) * HOUR,
      partition: i % 4,
      offset: i >> 2,
      vector: Float64Array.of(i),
    }));
    const keptOf = (arriving: typeof orders): number[] => {
      const samples = new OrderSamples(["number"], 200);
      for (const order of arriving) samples.add(order);
      const verdicts = new Map(orders.map(({ orderId, timeMs }) => [orderId, verdict(true, timeMs)]));
      return [...samples.dataset({ verdicts, nowMs: 1e15 }).dataset.vectors];
    };
    const newest = orders
      .toSorted((a, b) => a.timeMs - b.timeMs || a.partition - b.partition || a.offset - b.offset)
      .slice(-200)
      .map(({ vector }) => vector[0]);
    expect(keptOf(orders)).toEqual(newest);
    expect(keptOf(orders.toSorted((a, b) => a.partition - b.partition))).toEqual(newest);
    expect(keptOf(orders.toReversed())).toEqual(newest);
  });

  it("select by event time, and keep the newest where there are too many", () => {
    const times = Array.from({ length: 10 }, (_, i) => i * HOUR);
    const verdicts = new Map(times.map((time, i) => [`o${i}`, verdict(i % 2 === 0, time)]));
    const range = { verdicts, nowMs: 100 * HOUR, fromMs: 3 * HOUR, toMs: 6 * HOUR };
    expect([...samplesOf(times).dataset(range).dataset.times]).toEqual([3 * HOUR, 4 * HOUR, 5 * HOUR]);
    expect([...samplesOf(times, 4).times()]).toEqual([6 * HOUR, 7 * HOUR, 8 * HOUR, 9 * HOUR]);
  });
});
