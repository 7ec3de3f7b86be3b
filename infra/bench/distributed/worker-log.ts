import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { StepTimes } from "../../platform/step-times.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";

/** What a worker process logs when the group gives it tasks, and when a thread of it has restored some. */
interface Line {
  readonly level: number;
  /** Ms since the epoch. */
  readonly time: number;
  readonly msg: string;
  readonly tasks?: readonly string[];
  readonly ms?: StepTimes;
}

const WARNING = 40;

export interface TookUp {
  /** Shared clock. */
  readonly at: number;
  readonly tasks: readonly string[];
  readonly ms: StepTimes;
}

/** Reads a worker's log: what it does with its tasks is kept, and warnings are passed on to our own. */
export class WorkerLog {
  /** Tasks that the group gave last, and when; shared clock. */
  share: { readonly at: number; readonly tasks: readonly string[] } = { at: 0, tasks: [] };
  /** Restored tasks, one entry for each thread that began. */
  readonly tookUp: TookUp[] = [];

  constructor(stderr: Readable) {
    createInterface({ input: stderr }).on("line", (line) => this.note(line));
  }

  private note(text: string): void {
    const line = parse(text);
    if (line === null || line.level >= WARNING) process.stderr.write(`${text}\n`);
    if (line?.tasks === undefined) return;
    const at = line.time - Date.now() + sharedClockMs();
    if (line.msg === "has its share of the tasks") this.share = { at, tasks: line.tasks };
    if (line.ms !== undefined) this.tookUp.push({ at, tasks: line.tasks, ms: line.ms });
  }
}

/** Null where it is no line of the log: what Node itself says. */
function parse(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}
