import { detectorSpecs } from "./detectors/index.ts";
import { OWN_ALERT_KINDS } from "./operators/own-alert-kinds.ts";

/**
 * Every kind of alert that the platform raises as it is shipped, with what it says. Further ones are the ids of rules
 * that were added, `high-PLUGIN` of further plugins, and those of further detectors.
 */
export const alertKinds: Readonly<Record<string, string>> = Object.assign(
  { ...OWN_ALERT_KINDS },
  ...detectorSpecs.map(({ alerts }) => alerts),
);
