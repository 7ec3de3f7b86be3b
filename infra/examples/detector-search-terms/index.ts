import { defineDetector } from "../../../stream/index.ts";
import { combineSearchTerms, createSearchTerms, NAME } from "./search-terms.ts";
import { goldSearchTerms } from "./search-terms-table.ts";
import { searchTermsSettings } from "./settings.ts";

/** What people search for. */
export const searchTerms = defineDetector({
  name: NAME,
  doc: "Searches by term in tumbling windows.",
  settings: searchTermsSettings,
  longestWindowMs: ({ searchTermsWindowMs }) => searchTermsWindowMs,
  tables: [goldSearchTerms],
  alerts: {},
  create: (_config, deps) => createSearchTerms(deps),
  combine: combineSearchTerms,
});
