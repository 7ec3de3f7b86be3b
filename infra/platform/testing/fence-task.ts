import type { ObjectStore } from "../../../lakehouse/index.ts";
import { CheckpointStore } from "../../../stream/index.ts";

/** Another owner claims a task that has just begun, from the beginning: its worker is fenced at the next checkpoint. */
export function fenceTask(objects: ObjectStore, taskId: string): Promise<void> {
  return new CheckpointStore(objects, "other").prepare({
    taskId,
    epoch: 2,
    inputs: [],
    files: [],
    stateImages: [],
    createdAt: 0,
    watermarkMs: null,
    events: { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
  });
}
