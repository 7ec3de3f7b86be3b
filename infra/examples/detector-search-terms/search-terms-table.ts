import { defineTable, REVISION, WINDOW_END, WINDOW_START } from "../../../schema/index.ts";

export const goldSearchTerms = defineTable({
  namespace: "gold",
  name: "search_terms",
  doc: "Searches by term in tumbling windows (10 minutes). No row: nobody searched for it.",
  partitionByDayOf: "window_start",
  key: ["term", "window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["term", "string", "required", "The query as it was typed, cut to 64 bytes."],
    ["searches", "int", "required", "Searches for it in the window."],
    REVISION,
  ],
});
