import { detectorSpecs } from "../detectors/index.ts";

/** What scores beside propensity: recommendations, fraud and further models of sessions. */
export const MODELS = "models";

/** What the stream can be run without: each detector by its name, and {@link MODELS}. */
export const optionalParts: readonly string[] = [...detectorSpecs.map(({ name }) => name), MODELS];
