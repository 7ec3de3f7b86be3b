import type {
  EventBatch,
  EventContract,
  Float64Column,
  StateSection,
  TextColumn,
} from "../../schema/index.ts";
import { createDedupe, type Dedupe, type DedupeConfig } from "../operators/dedupe.ts";
import { emitSomeOf, type Operator, type Progress } from "../runtime/operator.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import { type TimeConfig, WatermarkTracker } from "../time/index.ts";

export interface TopicStepsDeps<B extends EventBatch> {
  readonly contract: EventContract;
  readonly time: TimeConfig;
  readonly dedupe: DedupeConfig;
  /** Behind the dedupe, in their order. */
  readonly steps: readonly Operator<B>[];
  readonly stageClock: StageClock;
  /** Called when the watermark has moved, after the steps. */
  readonly onAdvance: () => void;
}

/** The steps of one topic of a task, with the topic's watermark: dedupe, then those given. */
export class TopicSteps<B extends EventBatch = EventBatch> {
  readonly contract: EventContract;
  readonly watermark: WatermarkTracker;
  readonly dedupe: Dedupe<B>;
  private readonly steps: readonly Operator<B>[];
  private readonly timeField: number;
  private readonly stageClock: StageClock;
  private readonly onAdvance: () => void;

  constructor(deps: TopicStepsDeps<B>) {
    const { contract, time } = deps;
    this.contract = contract;
    const idField = fieldIndex(contract, contract.idField);
    this.timeField = fieldIndex(contract, contract.timeField);
    this.stageClock = deps.stageClock;
    this.onAdvance = deps.onAdvance;
    this.watermark = new WatermarkTracker(`watermark.${contract.topic}`, time);
    this.dedupe = createDedupe<B>(deps.dedupe, {
      name: `dedupe.${contract.topic}`,
      time,
      eventId: (batch) => batch.columns[idField] as TextColumn,
      eventTime: (batch) => batch.columns[this.timeField] as Float64Column,
    });
    this.steps = [this.dedupe, ...deps.steps];
  }

  get sections(): readonly StateSection[] {
    return [this.watermark.state, ...this.steps.map(({ state }) => state)];
  }

  /** Runs the steps over a batch; event time advances between the rows where its tick changes. */
  fold(batch: B): void {
    const { watermark, stageClock } = this;
    const time = batch.columns[this.timeField] as Float64Column;
    for (let from = 0; from < batch.length; ) {
      const to = watermark.scan(batch, time, from);
      stageClock.lap("watermark");
      if (to > from) {
        for (const step of this.steps) {
          step.process(batch, from, to, watermark.progress);
          stageClock.lap(step.name);
        }
      }
      if (to < batch.length) this.advance(watermark.advance());
      from = to;
    }
  }

  /** Everything that waits for event time is due. */
  endOfInput(): void {
    this.advance(this.watermark.endOfInput());
  }

  /** Emits some of what the steps have put off; whether there is more. */
  emitSome(rowsMax: number): boolean {
    return emitSomeOf(this.steps, rowsMax);
  }

  /** Takes up the progress of the restored sections. */
  afterRestore(): void {
    for (const step of this.steps) step.afterRestore?.();
    this.watermark.afterRestore();
    // Nothing is due that was not before the checkpoint: steps take up the progress again.
    this.advance(this.watermark.progress);
  }

  private advance(progress: Progress): void {
    for (const step of this.steps) {
      step.advance(progress);
      this.stageClock.lap(step.name);
    }
    this.onAdvance();
  }
}

function fieldIndex(contract: EventContract, name: string): number {
  return contract.fields.findIndex((field) => field.name === name);
}
