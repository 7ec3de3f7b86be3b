export { type ByteLine, byteLines } from "./byte-lines.ts";
export { assertInputFile, type InputFile, openInputFile } from "./input-file.ts";
export {
  FORMAT_NAMES,
  type LoadOptions,
  type LoadReport,
  loadInto,
  ROW_FORMATS,
} from "./load-into.ts";
export type { LoadProgress, RefusedRow } from "./load-tally.ts";
export { parseTimes, type TimeOption } from "./time-plan.ts";
