import { msSetting } from "../../../schema/index.ts";

export const searchTermsSettings = {
  searchTermsWindowMs: msSetting(
    "Detectors",
    600_000,
    [60_000, 86_400_000],
    "Window of searches by term, a multiple of a minute.",
  ),
};
