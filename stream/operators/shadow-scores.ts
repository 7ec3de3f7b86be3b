import type { Scorer, ServedModels } from "../../ml/index.ts";
import { goldShadowScores } from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";

export interface ShadowScoresDeps {
  readonly plugin: string;
  readonly width: number;
  readonly rowsMax: number;
  readonly outputs: OperatorOutputs;
  /** Milliseconds from any origin, with fractions. */
  readonly stopwatch: () => number;
}

/** Where a score comes from. */
export interface ShadowSource {
  readonly entity: string;
  readonly eventTime: number;
  readonly partition: number;
  readonly offset: number;
}

/** What scoring the gathered rows took with each model, ms. */
export interface ShadowTimes {
  readonly rows: number;
  readonly championMs: number;
  readonly challengerMs: number;
}

/**
 * Scores the vectors gathered of a batch with the challenger, too: rows of gold for comparison, and
 * the time that both models took. Nothing else comes of a shadow score.
 */
export class ShadowScores {
  private readonly deps: ShadowScoresDeps;
  private readonly rows;
  private readonly vectors: Float64Array;
  private readonly champion: Float64Array;
  private readonly challenger: Float64Array;
  private readonly sources: ShadowSource[] = [];

  constructor(deps: ShadowScoresDeps) {
    this.deps = deps;
    this.rows = deps.outputs.openRows(goldShadowScores);
    this.vectors = new Float64Array(deps.rowsMax * deps.width);
    this.champion = new Float64Array(deps.rowsMax);
    this.challenger = new Float64Array(deps.rowsMax);
  }

  get gathered(): number {
    return this.sources.length;
  }

  /** Takes a vector at `base` for {@link score}; at most `rowsMax` of them. */
  gather(vectors: Float64Array, base: number, source: ShadowSource): void {
    const { width } = this.deps;
    this.vectors.set(vectors.subarray(base, base + width), this.sources.length * width);
    this.sources.push(source);
  }

  /** Scores what was gathered with both models, and forgets it. */
  score({ champion, challenger }: ServedModels & { readonly challenger: Scorer }): ShadowTimes {
    const count = this.sources.length;
    const times = {
      rows: count,
      championMs: this.timed(champion, count, this.champion),
      challengerMs: this.timed(challenger, count, this.challenger),
    };
    const { rows } = this;
    for (const [i, source] of this.sources.entries()) {
      const r = rows.next();
      rows.setText(rows.text("plugin"), r, this.deps.plugin);
      rows.setText(rows.text("entity"), r, source.entity);
      rows.float64("event_time").values[r] = source.eventTime;
      rows.setText(rows.text("champion_version"), r, champion.modelVersion);
      rows.float64("champion_score").values[r] = this.champion[i];
      rows.setText(rows.text("challenger_version"), r, challenger.modelVersion);
      rows.float64("challenger_score").values[r] = this.challenger[i];
      rows.float64("challenger_micros").values[r] = (times.challengerMs / count) * 1000;
      rows.int32("_partition").values[r] = source.partition;
      rows.float64("_offset").values[r] = source.offset;
    }
    this.sources.length = 0;
    return times;
  }

  private timed(scorer: Scorer, count: number, out: Float64Array): number {
    const start = this.deps.stopwatch();
    scorer.score(this.vectors, count, out);
    return this.deps.stopwatch() - start;
  }
}
