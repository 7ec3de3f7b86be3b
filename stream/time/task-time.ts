import type { WatermarkTracker } from "./watermark.ts";

/** How far a task has come in event time: the newest watermark of its topics. */
export class TaskTime {
  /** A multiple of the tick; `Infinity` where every topic that had records, or an end, has ended. */
  nowMs = Number.NEGATIVE_INFINITY;
  private readonly topics: readonly WatermarkTracker[];

  constructor(topics: readonly WatermarkTracker[]) {
    this.topics = topics;
  }

  /** Looks at the topics again; whether the time moved. */
  advance(): boolean {
    let nowMs = Number.NEGATIVE_INFINITY;
    let open = 0;
    let ended = 0;
    for (const topic of this.topics) {
      if (topic.ended) ended++;
      else if (topic.watermarkMs > Number.NEGATIVE_INFINITY) open++;
      if (topic.progress.watermarkMs > nowMs) nowMs = topic.progress.watermarkMs;
    }
    if (ended > 0 && open === 0) nowMs = Number.POSITIVE_INFINITY;
    if (nowMs === this.nowMs) return false;
    this.nowMs = nowMs;
    return true;
  }
}
