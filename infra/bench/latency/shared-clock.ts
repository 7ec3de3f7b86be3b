/**
 * The machine's monotonic clock, ms: the same for every thread and process, so that a moment taken
 * in one can be compared with a moment taken in another. No step of the wall clock moves it.
 */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
