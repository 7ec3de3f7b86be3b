import type { OrderScorer, ServedModels } from "../../ml/index.ts";
import {
  columnValue,
  type FraudLabelBatch,
  hashBytes,
  type OrderBatch,
  type StateSection,
  type TextColumn,
} from "../../schema/index.ts";
import type { OperatorOutputs, Progress } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import { type ModelHealthConfig, ModelHealthMonitor } from "./model-health.ts";
import { PendingLabels } from "./pending-labels.ts";
import { ShadowScores } from "./shadow-scores.ts";

export interface OrderMonitorConfig {
  readonly health: ModelHealthConfig;
  /** An order of which nothing was heard for so long counts as genuine. */
  readonly labelDelayMs: number;
}

export interface OrderMonitorDeps {
  readonly plugin: string;
  readonly featureNames: readonly string[];
  readonly timeBound: readonly string[];
  /** Vectors of a batch, at most. */
  readonly rowsMax: number;
  readonly outputs: OperatorOutputs;
  readonly partition: number;
  /** The operator's. */
  readonly state: StateSection;
  readonly stopwatch: () => number;
}

/** Scored orders of a task that wait for their label; of more, a sample does. */
const PENDING_MAX = 16_384;

/** Holds each order's score against the model's training, its challenger, and the label that comes later. */
export class OrderMonitor {
  private readonly config: OrderMonitorConfig;
  private readonly pending: PendingLabels;
  private readonly health: ModelHealthMonitor;
  private readonly shadow: ShadowScores;
  private models: ServedModels<OrderScorer>;

  constructor(config: OrderMonitorConfig, deps: OrderMonitorDeps, models: ServedModels<OrderScorer>) {
    this.config = config;
    this.pending = new PendingLabels(deps.state, PENDING_MAX);
    this.health = new ModelHealthMonitor(config.health, { ...deps, labelDelayMs: config.labelDelayMs });
    this.shadow = new ShadowScores({ ...deps, width: deps.featureNames.length });
    this.models = models;
    this.followModels();
  }

  follow(models: ServedModels<OrderScorer>): void {
    if (models === this.models) return;
    this.models = models;
    this.followModels();
  }

  /** An order's score, and its vector at `base`. */
  scored(batch: OrderBatch, row: number, score: number, vectors: Float64Array, base: number): void {
    const eventTime = batch.orderTime.values[row];
    this.health.addScore(eventTime, score, vectors, base);
    if (!Number.isNaN(score)) this.pending.add(hashOf(batch.orderId, row), eventTime, score);
    if (this.models.challenger === null) return;
    this.shadow.gather(vectors, base, {
      entity: String(columnValue(batch.orderId, row)),
      eventTime,
      partition: batch.partition,
      offset: batch.offset[row],
    });
  }

  /** Scores what was seen since with the challenger, too. */
  scoreInShadow(): void {
    const { challenger } = this.models;
    if (challenger !== null && this.shadow.gathered > 0)
      this.health.addShadow(this.shadow.score({ ...this.models, challenger }));
  }

  labelled(batch: FraudLabelBatch, row: number): void {
    const score = this.pending.take(hashOf(batch.orderId, row));
    if (Number.isNaN(score)) return;
    this.addLabel(batch.labelTime.values[row], score, batch.isFraud.values[row] === 1 ? 1 : 0);
  }

  advance(progress: Progress): void {
    const { labelDelayMs } = this.config;
    this.pending.expire(
      progress.watermarkMs - labelDelayMs,
      (_order, orderTime) => orderTime,
      (score, orderTime) => this.addLabel(orderTime + labelDelayMs, score, 0),
    );
    this.health.advance(progress);
  }

  afterRestore(): void {
    this.pending.afterRestore();
    this.health.follow(this.models);
  }

  status(): ModelStatus {
    return { ...this.health.status(), unfollowedScores: this.pending.leftOut };
  }

  private followModels(): void {
    this.pending.follow(this.models.champion.modelVersion);
    this.health.follow(this.models);
  }

  private addLabel(eventTime: number, score: number, label: 0 | 1): void {
    this.health.addLabel(eventTime, score, { label, threshold: this.models.champion.thresholds.review });
  }
}

/** Two orders of one hash within the label delay would share a label: one pair in a hundred thousand orders. */
function hashOf({ bytes, start, end }: TextColumn, row: number): number {
  return hashBytes(bytes, start[row], end[row]) >>> 1;
}
