import type { ModelReference } from "../monitoring/reference.ts";
import type { EvaluationReport } from "../plugin.ts";
import type { OpenSessions } from "../training/dataset.ts";
import type { Straddling } from "../training/split.ts";

/** What one needs to know of a model version before trusting it; lies beside its weights as `card.json`. */
export interface ModelCard {
  readonly plugin: string;
  readonly version: string;
  /** ISO 8601, UTC. */
  readonly trainedAt: string;
  /** Event times of the rows, ISO 8601; validation begins at `cut`. */
  readonly dataRange: { readonly from: string; readonly cut: string; readonly to: string };
  /** `unknownLabel`: rows whose label was not known when it was trained, whatever was done with them. */
  readonly rows: { readonly train: number; readonly validation: number; readonly unknownLabel: number };
  /** What was done with those of sessions that had not ended; missing where labels do not come of sessions. */
  readonly openSessions?: OpenSessions;
  /** `in-training`: of sessions that began before the cut also the rows behind it were trained on. */
  readonly straddling?: Straddling;
  readonly features: readonly string[];
  /** On the validation rows, which training never saw. */
  readonly evaluation: EvaluationReport;
  /** Figures of simple models on the same rows, by their names; missing where the plugin has none. */
  readonly baselines?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /**
   * Version that was champion then, and its figure of the plugin's primary metric on the same rows;
   * `advantageMin`: how much better this version is at the least (`advantageMin` in `paired-bootstrap.ts`),
   * null where there are too few rows to tell, missing in cards from before it was measured.
   */
  readonly incumbent: {
    readonly version: string;
    readonly metric: number;
    readonly advantageMin?: number | null;
  };
  /** Time of one score in batches as the stream makes them, microseconds, where it was trained. */
  readonly scoreMicros?: number;
  /** Missing in cards from before there was one: drift is then not measured. */
  readonly reference?: ModelReference;
  readonly seed: number;
  /** Revision of the code that trained, as the caller gave it. */
  readonly codeRevision: string;
  /** SHA-256 of the weights, hexadecimal. */
  readonly weightsSha256: string;
}
