import type { DetachedFile, FinishedFile } from "../sinks/table-sink.ts";
import type { Scheduling } from "./scheduling.ts";
import type { StageClock } from "./stage-clock.ts";

export interface FinishFilesDeps {
  readonly clock: () => number;
  readonly scheduling: Scheduling;
  readonly stageClock: StageClock;
  /** How long it may compute before it lets others have the thread. */
  readonly sliceMs: () => number;
}

/** Encodes what the files of a cut still hold, for a slice of time a turn: records are processed in between. */
export async function finishFiles(
  files: readonly DetachedFile[],
  { clock, scheduling, stageClock, sliceMs }: FinishFilesDeps,
): Promise<FinishedFile[]> {
  const finished: FinishedFile[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const file of files) {
    for (let done: FinishedFile | null = null; done === null; ) {
      if (clock() >= end) {
        stageClock.lap("files and state");
        await scheduling.nextTurn();
        stageClock.lap("commits");
        end = clock() + sliceMs();
      }
      done = file.step();
      if (done !== null) finished.push(done);
    }
  }
  stageClock.lap("files and state");
  return finished;
}
