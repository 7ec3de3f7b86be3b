import type { MlPlugin } from "../../plugin.ts";
import { fraudEvaluation } from "./evaluation.ts";

/** Is this card payment fraudulent? */
export const fraud: MlPlugin = {
  name: "fraud",
  doc: "Probability that a card payment is fraudulent: boosted trees on what customer and terminal did before.",
  evaluation: fraudEvaluation,
};
