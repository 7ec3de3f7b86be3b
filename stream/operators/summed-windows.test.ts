import { describe, expect, it } from "vitest";
import { StateSection } from "../../schema/index.ts";
import { PaneBlockKind, PaneBlockWriter } from "./pane-block.ts";
import { SummedWindows } from "./summed-windows.ts";

const MINUTE = 60_000;
const CHANNEL = "sums";
const KEY = new TextEncoder().encode("k");

/** What a source adds to a minute, having come to another. */
function block(source: string, minute: number, amount: number, sequence: number, now = minute): Uint8Array {
  const writer = new PaneBlockWriter();
  writer.begin({
    ...{ channel: CHANNEL, kind: PaneBlockKind.data, sequence, source },
    watermarkMs: now * MINUTE,
  });
  writer.u32(1);
  writer.f64(minute * MINUTE);
  writer.u32(1);
  writer.text(KEY, 0, KEY.length);
  writer.f64(amount);
  return writer.finish();
}

const idle = (source: string): Uint8Array => new PaneBlockWriter().idleBlock(CHANNEL, source);

/** Reports as `[minute, sum, revision]`. */
function reportsOf(blocks: readonly Uint8Array[]): number[][] {
  const reports: number[][] = [];
  const windows = new SummedWindows(new StateSection("sums"), {
    ...{ sources: ["a", "b"], width: 1, paneMs: MINUTE, windowMs: MINUTE, allowedLatenessMs: 60 * MINUTE },
    report: ({ start }, _key, [sum], revision) => reports.push([start / MINUTE, sum, revision]),
  });
  for (const bytes of blocks) windows.fold(bytes, 0);
  return reports;
}

describe("summed windows", () => {
  const late = [idle("b"), block("a", 0, 5, 0), block("a", 10, 1, 1), block("b", 0, 2, 0, 10)];

  it("correct what was reported at the next boundary", () => {
    const before = [[0, 5, 1]];
    expect(reportsOf(late)).toEqual(before);
    expect(reportsOf([...late, block("b", 10, 1, 1), block("b", 11, 1, 2, 11)])).toEqual(before);
    const [one, other] = [block("a", 11, 0, 2), block("b", 11, 1, 1)];
    expect(reportsOf([...late, one, other])).toEqual([...before, [0, 7, 2], [10, 1, 1]]);
  });

  it("correct it where no source is active: the next boundary may be hours away", () => {
    expect(reportsOf([...late, idle("a")])).toEqual([[0, 5, 1]]);
    expect(reportsOf([...late, idle("a"), idle("b")])).toEqual([
      [0, 5, 1],
      [0, 7, 2],
    ]);
    expect(reportsOf([...late, idle("a"), idle("b"), idle("a")])).toHaveLength(2);
  });
});
