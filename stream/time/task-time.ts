import type { WatermarkTracker } from "./watermark.ts";

/** How far a task has come in event time: the newest watermark of its topics. */
export class TaskTime {
  /** A multiple of the tick; `Infinity` where every topic that had records has ended. */
  nowMs = Number.NEGATIVE_INFINITY;
  private readonly topics: readonly WatermarkTracker[];

  constructor(topics: readonly WatermarkTracker[]) {
    this.topics = topics;
  }

  /** Looks at the topics again; whether the time moved. */
  advance(): boolean {
    let nowMs = Number.NEGATIVE_INFINITY;
    let ended = true;
    for (const topic of this.topics) {
      if (topic.watermarkMs === Number.NEGATIVE_INFINITY) continue;
      ended = ended && topic.ended;
      if (topic.progress.watermarkMs > nowMs) nowMs = topic.progress.watermarkMs;
    }
    if (ended && nowMs > Number.NEGATIVE_INFINITY) nowMs = Number.POSITIVE_INFINITY;
    if (nowMs === this.nowMs) return false;
    this.nowMs = nowMs;
    return true;
  }
}
