import { MillraceError, TIMESTAMP_MAX_MS } from "../../../schema/index.ts";

/** What becomes of the times of a file. */
export interface TimeOption {
  /** The last event gets the time at which the load began. */
  readonly shift: boolean;
  /** The distances between events are divided by this; 1 keeps them. */
  readonly compress: number;
}

/** Reads `keep`, `shift`, `compress=FACTOR` or `shift,compress=FACTOR`; throws with code `bad-times`. */
export function parseTimes(text: string): TimeOption {
  let shift = false;
  let compress = 1;
  for (const part of text.split(",")) {
    const factor = /^compress=(\d+(?:\.\d+)?)$/.exec(part);
    if (part === "shift") shift = true;
    else if (factor !== null && Number(factor[1]) > 0) compress = Number(factor[1]);
    else if (part !== "keep") {
      throw new MillraceError(
        `"${text}" is no way to treat times: use keep, shift, compress=FACTOR or shift,compress=FACTOR.`,
        { code: "bad-times", origin: "user" },
      );
    }
  }
  return { shift, compress };
}

/** First and last event time of a file, ms. */
export interface TimeRange {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Whether an event may have that time: another is refused, and is no measure of a file's range. */
export function isEventTime(ms: number): boolean {
  return ms >= 0 && ms <= TIMESTAMP_MAX_MS;
}

/** The rewriting of one load; `anchorMs` is the new time of the last event where times are shifted. What is no event's time stays. */
export function timeRewriter(option: TimeOption, range: TimeRange, anchorMs: number): (ms: number) => number {
  const { shift, compress } = option;
  if (!shift && compress === 1) return (ms) => ms;
  const rewritten = shift
    ? (ms: number) => anchorMs + (ms - range.lastMs) / compress
    : (ms: number) => range.firstMs + (ms - range.firstMs) / compress;
  return (ms) => (isEventTime(ms) ? Math.round(rewritten(ms)) : ms);
}
