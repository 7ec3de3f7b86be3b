import { describe, expect, it } from "vitest";
import { createFloat64Column, customerEventContract, type EventBatch, RowFlag } from "../../schema/index.ts";
import { copyState, randomCuts, seededRandom } from "../operators/testing/drive.ts";
import { createKeys, makeBatch } from "../operators/testing/make-batch.ts";
import { TaskTime } from "./task-time.ts";
import { defaultTimeConfig, END_OF_INPUT, WatermarkTracker } from "./watermark.ts";

const CONFIG = { ...defaultTimeConfig, outOfOrdernessMs: 2000, allowedLatenessMs: 60_000, tickMs: 1000 };

function batchOf(times: readonly number[]): {
  batch: EventBatch;
  time: ReturnType<typeof createFloat64Column>;
} {
  const batch = makeBatch<EventBatch>(
    customerEventContract,
    times.map(() => ({})),
    { keys: createKeys() },
  );
  const time = createFloat64Column("timestamp", times.length, false);
  time.values.set(times);
  return { batch, time };
}

/** Flags of all rows, and `row:watermark` of every advance. */
function scanAll(tracker: WatermarkTracker, times: readonly number[], cuts: readonly number[]) {
  const flags: number[] = [];
  const advances: string[] = [];
  for (let i = 1; i < cuts.length; i++) {
    const { batch, time } = batchOf(times.slice(cuts[i - 1], cuts[i]));
    for (let from = 0; from < batch.length; ) {
      const to = tracker.scan(batch, time, from);
      if (to < batch.length) advances.push(`${cuts[i - 1] + to}:${tracker.advance().watermarkMs}`);
      from = to;
    }
    flags.push(...batch.flags);
  }
  return { flags, advances };
}

describe("WatermarkTracker", () => {
  it("flags rows against the watermark that stood before them", () => {
    const tracker = new WatermarkTracker("w", CONFIG);
    const times = [100_000, 98_000, 97_999, 38_000, 37_999, 100_001];
    const { flags, advances } = scanAll(tracker, times, [0, times.length]);
    expect(flags).toEqual([0, 0, RowFlag.late, RowFlag.late, RowFlag.tooLate, 0]);
    expect(advances).toEqual(["0:98000"]);
    expect([tracker.late, tracker.tooLate]).toEqual([2, 1]);
    expect(tracker.progress).toEqual({ watermarkMs: 98_000, closeMs: 38_000 });
  });

  it("takes what comes in time behind an event of the future for late, and for too late beyond the lateness", () => {
    const NOW = 1_000_000;
    const { allowedLatenessMs } = CONFIG;
    for (const [aheadMs, flag] of [
      [allowedLatenessMs, RowFlag.late],
      [60 * allowedLatenessMs, RowFlag.tooLate],
    ]) {
      const times = [NOW - 1, NOW + aheadMs, NOW, NOW + 1];
      expect(scanAll(new WatermarkTracker("w", CONFIG), times, [0, times.length]).flags).toEqual([
        ...[0, 0],
        ...[flag, flag],
      ]);
    }
  });

  it("stops before the very row at which the tick changes", () => {
    const tracker = new WatermarkTracker("w", CONFIG);
    const { advances } = scanAll(tracker, [10_500, 10_999, 11_000, 11_999, 15_000], [0, 5]);
    expect(advances).toEqual(["0:8000", "2:9000", "4:13000"]);
  });

  it("gives the same flags and advances however the rows are cut, and after a restore", () => {
    const random = seededRandom(5);
    let clock = 1_000_000;
    const times = Array.from({ length: 3000 }, () => {
      clock += random() * 100;
      return Math.floor(clock - random() ** 8 * 100_000);
    });
    const straight = scanAll(new WatermarkTracker("w", CONFIG), times, [0, times.length]);
    const cut = scanAll(new WatermarkTracker("w", CONFIG), times, randomCuts(times.length, 200, random));
    expect(cut).toEqual(straight);

    const first = new WatermarkTracker("w", CONFIG);
    const head = scanAll(first, times.slice(0, 1234), [0, 1234]);
    const second = new WatermarkTracker("w", CONFIG);
    copyState([first.state], [second.state]);
    second.afterRestore();
    const tail = scanAll(second, times.slice(1234), [0, times.length - 1234]);
    expect([...head.flags, ...tail.flags]).toEqual(straight.flags);
    expect([second.late, second.tooLate]).toEqual([
      straight.flags.filter((flag) => flag === RowFlag.late).length,
      straight.flags.filter((flag) => flag === RowFlag.tooLate).length,
    ]);
  });

  it("closes everything at the end of the input", () => {
    const tracker = new WatermarkTracker("w", CONFIG);
    scanAll(tracker, [100_000], [0, 1]);
    expect(tracker.endOfInput()).toEqual(END_OF_INPUT);
  });
});

describe("TaskTime", () => {
  it("ends with the last topic that has begun, also where one ended without an event", () => {
    const trackers = ["events", "orders", "payments"].map((name) => new WatermarkTracker(name, CONFIG));
    const [events, orders] = trackers;
    const time = new TaskTime(trackers);
    expect(time.advance()).toBe(false);
    events.endOfInput();
    expect([time.advance(), time.nowMs]).toEqual([true, Number.POSITIVE_INFINITY]);
    scanAll(orders, [100_000], [0, 1]);
    expect([time.advance(), time.nowMs]).toEqual([true, 98_000]);
    orders.endOfInput();
    expect([time.advance(), time.nowMs]).toEqual([true, Number.POSITIVE_INFINITY]);
    // What comes behind an end without events is not too late.
    expect(scanAll(events, [5, 100_000], [0, 2]).flags).toEqual([0, 0]);
  });
});
