import { createProductInsights, type ProductInsightsConfig } from "../operators/index.ts";
import type { Pipeline } from "../runtime/pipeline.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import type { Outbox } from "../sinks/outbox.ts";
import { TaskOutputs } from "./task-outputs.ts";

export interface InsightsPipelineConfig {
  readonly insights: ProductInsightsConfig;
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
 * revenue by category.
 */
export function createInsightsPipeline(config: InsightsPipelineConfig, deps: InsightsPipelineDeps): Pipeline {
  const { taskId, nonce, outbox, stageClock } = deps;
  const outputs = new TaskOutputs(outbox, { taskId, nonce, fileBytesMax: config.fileBytesMax });
  const insights = createProductInsights(config.insights, { sourceTasks: deps.sourceTasks, outputs });
  let processed = 0;

  return {
    taskId,
    inputs: [
      {
        topic: config.paneTopic,
        partition: 0,
        process(records) {
          if (records.control !== "data") return;
          stageClock.lap("read");
          for (let i = 0; i < records.count; i++)
            insights.fold(records.bytes, records.starts[i], records.ends[i]);
          processed += records.count;
          stageClock.lap(insights.name);
        },
      },
    ],
    sections: [insights.state],
    get sinks() {
      return outputs.sinks;
    },
    afterRestore: () => insights.afterRestore?.(),
    flushRows: () => outputs.flushRows(),
    flushHot(hot) {
      insights.flushHot(hot);
      return false;
    },
    markIdle: () => undefined,
    counters: () => ({ processed, refused: 0, duplicates: 0, late: 0, tooLate: 0 }),
    watermarkMs: () => insights.watermarkMs(),
  };
}
