import { type Combiner, type DetectorConfig, detectorSpecs } from "../detectors/index.ts";
import {
  channelOf,
  createProductInsights,
  PRODUCT_CHANNEL,
  type ProductInsightsConfig,
} from "../operators/index.ts";
import { RecordCounts } from "../operators/record-counts.ts";
import { emitSomeOf } from "../runtime/operator.ts";
import { EMIT_ROWS, type Pipeline } from "../runtime/pipeline.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import type { Outbox } from "../sinks/outbox.ts";
import type { TimeConfig } from "../time/index.ts";
import { TaskOutputs } from "./task-outputs.ts";

/** A pane's block has thousands of products: the tasks of a worker take turns between two of them. */
const STEP_BYTES = 1 << 16;

export interface InsightsPipelineConfig {
  readonly time: TimeConfig;
  readonly insights: ProductInsightsConfig;
  readonly detectors: DetectorConfig;
  /** Names of detectors that are not run. */
  readonly leaveOut: readonly string[];
  readonly paneTopic: string;
  readonly fileBytesMax: number;
}

export interface InsightsPipelineDeps {
  readonly taskId: string;
  readonly nonce: string;
  /** Tasks whose panes are added up. */
  readonly sourceTasks: readonly string[];
  readonly outbox: Outbox;
  readonly stageClock: StageClock;
}

/**
 * The second stage: panes of all tasks → product activity, flash-sale candidates, popular products,
 * revenue by category; and what detectors add up over all tasks, each on its own channel.
 */
export function createInsightsPipeline(config: InsightsPipelineConfig, deps: InsightsPipelineDeps): Pipeline {
  const { taskId, nonce, outbox, stageClock, sourceTasks } = deps;
  const { time } = config;
  const { hotTtlMs } = config.insights;
  const outputs = new TaskOutputs(outbox, { taskId, nonce, fileBytesMax: config.fileBytesMax });
  const insights = createProductInsights(config.insights, { sourceTasks, outputs });
  const parts = new Map<string, Combiner>([[PRODUCT_CHANNEL, insights]]);
  for (const spec of detectorSpecs) {
    if (config.leaveOut.includes(spec.name)) continue;
    const part = spec.combine?.(config.detectors, { outputs, sourceTasks, time, hotTtlMs });
    if (part !== undefined) parts.set(spec.name, part);
  }
  const counts = new RecordCounts();

  function fold(bytes: Uint8Array, start: number, end: number): void {
    const channel = channelOf(bytes, start, end);
    const part = channel === null ? undefined : parts.get(channel);
    // Of a detector that is not there any more, or of another version of the program.
    if (part === undefined) counts.addRefused(1);
    else part.fold(bytes, start, end);
    stageClock.lap(channel ?? "unreadable panes");
  }

  function emitSome(rowsMax: number): boolean {
    return emitSomeOf(parts.values(), rowsMax);
  }

  return {
    taskId,
    inputs: [
      {
        topic: config.paneTopic,
        partition: 0,
        bytesMax: STEP_BYTES,
        process(records) {
          if (records.control !== "data") return;
          stageClock.lap("read");
          for (let i = 0; i < records.count; i++) fold(records.bytes, records.starts[i], records.ends[i]);
          counts.addProcessed(records.count);
        },
      },
    ],
    sections: [counts.state, ...[...parts.values()].map(({ state }) => state)],
    get sinks() {
      return outputs.sinks;
    },
    afterRestore() {
      for (const part of parts.values()) part.afterRestore?.();
    },
    emitSome: () => emitSome(EMIT_ROWS),
    flushRows() {
      emitSome(Number.POSITIVE_INFINITY);
      outputs.flushRows();
    },
    flushSomeRows: () => emitSome(EMIT_ROWS) || outputs.flushSomeRows(),
    flushHot(hot) {
      for (const part of parts.values()) part.flushHot?.(hot);
      return false;
    },
    hotWaiting: () => 1,
    markHot() {
      for (const part of parts.values()) part.markHot?.();
      return false;
    },
    markIdle: () => undefined,
    counters: () => ({
      processed: counts.processed,
      refused: counts.refused,
      ...{ duplicates: 0, late: 0, tooLate: 0 },
    }),
    watermarkMs: () => insights.watermarkMs(),
  };
}
