export { type ByteLine, byteLines } from "./byte-lines.ts";
export { type InputFile, openInputFile } from "./input-file.ts";
export {
  FORMAT_NAMES,
  type LoadOptions,
  type LoadProgress,
  type LoadReport,
  loadInto,
  type RefusedRow,
  ROW_FORMATS,
} from "./load-into.ts";
export { parseTimes, type TimeOption } from "./time-plan.ts";
