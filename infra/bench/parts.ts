import { MODELS, optionalParts } from "../../stream/index.ts";

/** How much of the stream runs: each with what the one before has. */
export const PARTS = ["reference", "detectors", "all"] as const;
export type Parts = (typeof PARTS)[number];

/** What each level of {@link Parts} adds to the reference job, for people. */
export const ADDED: Readonly<Record<Parts, string>> = {
  reference: "",
  detectors: " with all detectors",
  all: " with all detectors and models",
};

/** What each level of {@link Parts} goes without. */
export const LEFT_OUT: Readonly<Record<Parts, readonly string[]>> = {
  reference: optionalParts,
  detectors: [MODELS],
  all: [],
};
