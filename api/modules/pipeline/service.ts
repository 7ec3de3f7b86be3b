import type { PipelineStatus, TaskStatus } from "../../../stream/index.ts";
import { lowestWatermark } from "../common/lake-reader.ts";
import type { PipelineState, PipelineTask } from "./type.ts";

export class PipelineService {
  private readonly pipeline: PipelineStatus;

  constructor(pipeline: PipelineStatus) {
    this.pipeline = pipeline;
  }

  state(): PipelineState {
    const tasks = this.pipeline.tasks().map(toTask);
    return {
      tasks,
      lagTotal: tasks.reduce((sum, task) => sum + task.lag, 0),
      watermark: lowestWatermark(this.pipeline),
    };
  }
}

function toTask(status: TaskStatus): PipelineTask {
  const { taskId, state, inputs, watermarkMs, epoch, checkpointedAt, events } = status;
  return {
    id: taskId,
    state,
    failed: state === "failed",
    inputs,
    lag: inputs.reduce((sum, input) => sum + input.lag, 0),
    watermark: watermarkMs !== null && Number.isFinite(watermarkMs) ? watermarkMs : null,
    epoch,
    checkpointedAt,
    events,
  };
}
