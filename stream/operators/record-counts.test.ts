import { expect, test } from "vitest";
import { StateSection } from "../../schema/index.ts";
import { StateImageWriter } from "../runtime/state-image.ts";
import { restoreParts } from "../runtime/testing/restore-parts.ts";
import { RecordCounts } from "./record-counts.ts";

/** What a task kept before it kept its counts. */
const earlier = () => new StateSection("earlier");

test("counts go on from a checkpoint, and begin at 0 behind one of a version that kept none", () => {
  const images = new StateImageWriter([earlier()]).capture("full");
  const sections = (counts: RecordCounts) => [earlier(), counts.state];
  for (const [life, expected] of [
    [1, { processed: 0, refused: 0 }],
    [2, { processed: 7, refused: 3 }],
    [3, { processed: 14, refused: 6 }],
  ] as const) {
    const counts = new RecordCounts();
    restoreParts(sections(counts), images);
    expect({ processed: counts.processed, refused: counts.refused }, `life ${life}`).toEqual(expected);
    counts.addProcessed(7);
    counts.addProcessed(0);
    counts.addRefused(3);
    // The chain that it was restored from goes on.
    images.push(...new StateImageWriter(sections(counts)).capture("delta"));
  }
});
