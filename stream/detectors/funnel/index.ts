import { msSetting } from "../../../schema/index.ts";
import { openMs } from "../../time/index.ts";
import { defineDetector } from "../detector.ts";
import { combineFunnel } from "./combine-funnel.ts";
import { FUNNEL, foldFunnel } from "./fold-funnel.ts";
import { goldFunnel } from "./funnel-table.ts";

export { FUNNEL_RECORD, type FunnelRecord, type FunnelRecordStep } from "./combine-funnel.ts";
export { BASES as FUNNEL_BASES, type Basis as FunnelBasis } from "./funnel-key.ts";
export { STEPS as FUNNEL_STEPS } from "./journeys.ts";
export { addBuckets, BUCKET_COUNT, medianOf } from "./time-buckets.ts";
export { goldFunnel };

export const funnel = defineDetector({
  name: FUNNEL,
  doc: "Ordered funnel view → cart → checkout → purchase, per session and per user, by day, category, device and country.",
  settings: {
    funnelWithinMs: msSetting(
      "Detectors",
      3_600_000,
      [120_000, 86_400_000],
      "How long a user's journey through the funnel may take from its first view.",
    ),
    funnelCheckoutImplied: {
      type: "boolean",
      group: "Detectors",
      default: false,
      doc: "Whether a purchase counts as the checkout before it, for shops that send no checkout events.",
    },
    funnelReportMs: msSetting(
      "Detectors",
      3_600_000,
      [60_000, 86_400_000],
      "How often changed rows of a day's funnel go to the lake, event time.",
    ),
  },
  problems({ funnelWithinMs }, time) {
    return funnelWithinMs > openMs(time)
      ? []
      : [
          `funnelWithinMs (${funnelWithinMs}) must be above ${openMs(time)}, the time for which events may still come (outOfOrdernessMs + allowedLatenessMs + tickMs)`,
        ];
  },
  tables: [goldFunnel],
  alerts: {},
  create: foldFunnel,
  combine: combineFunnel,
});
