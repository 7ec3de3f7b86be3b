import {
  type EventBatch,
  type Float64Column,
  PAGE_SHIFT,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { Progress } from "../runtime/operator.ts";

/** How event time is read off one input. All in milliseconds. */
export interface TimeConfig {
  /** How far behind the newest event an event may lie and still count as in time. */
  readonly outOfOrdernessMs: number;
  /** How far behind the watermark an event still corrects windows and sessions. */
  readonly allowedLatenessMs: number;
  /** The watermark that operators see moves in multiples of this. */
  readonly tickMs: number;
  /**
   * The longest window. The end of an input reports every window that holds data; what comes later
   * and would fall into one of these is too late.
   */
  readonly longestWindowMs: number;
}

export const defaultTimeConfig: TimeConfig = {
  outOfOrdernessMs: 2000,
  allowedLatenessMs: 60_000,
  tickMs: 1000,
  longestWindowMs: 3_600_000,
};

/** For how long behind the newest event an event may still change something, ms. */
export function openMs({ outOfOrdernessMs, allowedLatenessMs, tickMs }: TimeConfig): number {
  return outOfOrdernessMs + allowedLatenessMs + tickMs;
}

/** Progress at the end of an input: everything that is open is due. */
export const END_OF_INPUT: Progress = {
  watermarkMs: Number.POSITIVE_INFINITY,
  closeMs: Number.POSITIVE_INFINITY,
};

const MAX_TIME = 0;
const LATE = 1;
const TOO_LATE = 2;
/** Event time up to which an end of input has reported everything. */
const CLOSED_THROUGH = 3;

/**
 * The watermark of one input: running maximum of event time minus the out-of-orderness bound, moved
 * row by row in log order, so that nothing depends on how the log was cut into batches.
 *
 * The runtime drives every batch so:
 * ```
 * for (let from = 0; from < batch.length; ) {
 *   const to = tracker.scan(batch, batch.eventTime, from);
 *   if (to > from) for (const o of operators) o.process(batch, from, to, tracker.progress);
 *   if (to < batch.length) { const p = tracker.advance(); for (const o of operators) o.advance(p); }
 *   from = to;
 * }
 * ```
 * The row at which the tick changes is processed after the advance that it causes. At the end of an
 * input the operators are advanced with the progress that {@link endOfInput} gives.
 */
export class WatermarkTracker {
  readonly state: StateSection;
  private readonly config: TimeConfig;
  private readonly numbers;
  private current: Progress = { watermarkMs: Number.NEGATIVE_INFINITY, closeMs: Number.NEGATIVE_INFINITY };

  /** @param name unique among the task's sections, for example `watermark.customer-events` */
  constructor(name: string, config: TimeConfig) {
    this.config = config;
    this.state = new StateSection(name);
    this.numbers = this.state.float64("numbers");
    this.numbers.ensure(4);
    this.numbers.values[MAX_TIME] = Number.NEGATIVE_INFINITY;
    this.numbers.values[CLOSED_THROUGH] = Number.NEGATIVE_INFINITY;
    this.numbers.mark(MAX_TIME);
  }

  /** Progress as of the last {@link advance}: a multiple of the tick, `-Infinity` before the first event. */
  get progress(): Progress {
    return this.current;
  }

  /** Exact watermark, ms; `-Infinity` before the first event. */
  get watermarkMs(): number {
    return this.numbers.values[MAX_TIME] - this.config.outOfOrdernessMs;
  }

  /** Whether an end of the input came, and nothing behind the windows that it reported; also without any event. */
  get ended(): boolean {
    return this.numbers.values[CLOSED_THROUGH] > this.numbers.values[MAX_TIME];
  }

  /** Rows seen so far that were late and not too late. */
  get late(): number {
    return this.numbers.values[LATE];
  }

  get tooLate(): number {
    return this.numbers.values[TOO_LATE];
  }

  /**
   * Sets the flags of rows from `from` on ({@link RowFlag}.late, .tooLate; others are cleared) and
   * returns the first row before which {@link advance} must be called, else the batch's length.
   */
  scan(batch: EventBatch, time: Float64Column, from: number): number {
    const { outOfOrdernessMs, allowedLatenessMs, tickMs } = this.config;
    const { flags } = batch;
    const times = time.values;
    const numbers = this.numbers.values;
    const nextTickAt = this.current.watermarkMs + tickMs + outOfOrdernessMs;
    const closedThrough = numbers[CLOSED_THROUGH];
    let maxTime = numbers[MAX_TIME];
    let row = from;
    for (; row < batch.length; row++) {
      const at = times[row];
      flags[row] = 0;
      if (at < closedThrough) {
        flags[row] = RowFlag.tooLate;
        numbers[TOO_LATE] += 1;
      } else if (at > maxTime) {
        maxTime = at;
        if (at >= nextTickAt) break;
      } else if (at < maxTime - outOfOrdernessMs) {
        const tooLate = at < maxTime - outOfOrdernessMs - allowedLatenessMs;
        flags[row] = tooLate ? RowFlag.tooLate : RowFlag.late;
        numbers[tooLate ? TOO_LATE : LATE] += 1;
      }
    }
    numbers[MAX_TIME] = maxTime;
    this.numbers.dirty[MAX_TIME >>> PAGE_SHIFT] = 1;
    return row;
  }

  /** Moves {@link progress} to the tick that {@link scan} stopped at. */
  advance(): Progress {
    this.current = this.progressAt(this.numbers.values[MAX_TIME]);
    return this.current;
  }

  /** Closes what was seen so far: everything is due, and what falls into a reported window is too late. */
  endOfInput(): Progress {
    const numbers = this.numbers.values;
    // Without any event it closes nothing, and has ended all the same.
    const closed = Math.max(0, numbers[MAX_TIME] + this.config.longestWindowMs);
    if (closed > numbers[CLOSED_THROUGH]) numbers[CLOSED_THROUGH] = closed;
    this.numbers.mark(CLOSED_THROUGH);
    return END_OF_INPUT;
  }

  /** To be called once after the section was restored, between two batches. */
  afterRestore(): void {
    this.advance();
  }

  private progressAt(maxTime: number): Progress {
    const { outOfOrdernessMs, allowedLatenessMs, tickMs } = this.config;
    const watermarkMs = Math.floor((maxTime - outOfOrdernessMs) / tickMs) * tickMs;
    return { watermarkMs, closeMs: watermarkMs - allowedLatenessMs };
  }
}
