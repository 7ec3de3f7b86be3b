import { createFeatureSet, type Scorer, type SessionScorerPlugin } from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  contracts,
  createDecoder,
  type EventBatch,
  type EventContract,
  type Float64Column,
  KeyDictionary,
  type OrderBatch,
  type ProductBatch,
  productContract,
  StateSection,
  silverEvents,
  type WriterSchemas,
} from "../../schema/index.ts";
import { createDeadLetters } from "../operators/dead-letters.ts";
import {
  createDedupe,
  createOrderRules,
  createPageViewsByUser,
  createProductPanes,
  createProductTable,
  createSessionize,
  createSilverEvents,
  type DedupeConfig,
  type OrderRulesConfig,
  type PageViewsConfig,
  type ProductPanesConfig,
  type SessionizeConfig,
  UserRecords,
} from "../operators/index.ts";
import { createScoreSessions, type ScoreSessionsConfig } from "../operators/score-sessions.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { Pipeline, PipelineInput } from "../runtime/pipeline.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import { READ_LIMITS } from "../runtime/task.ts";
import type { Outbox } from "../sinks/outbox.ts";
import { type TimeConfig, WatermarkTracker } from "../time/index.ts";
import { createDecodedInput } from "./decoded-input.ts";
import { TaskOutputs } from "./task-outputs.ts";

export interface EventsPipelineConfig {
  readonly time: TimeConfig;
  readonly recordBytesMax: number;
  readonly futureSkewMs: number | null;
  readonly dedupe: DedupeConfig;
  readonly sessions: SessionizeConfig;
  readonly pageViews: PageViewsConfig;
  readonly productPanes: ProductPanesConfig;
  readonly orderRules: OrderRulesConfig;
  readonly propensity: ScoreSessionsConfig;
  /** How long a user's hot record lives. */
  readonly hotTtlMs: number;
  readonly fileBytesMax: number;
}

export interface EventsPipelineDeps {
  readonly taskId: string;
  readonly partition: number;
  /** Partitions of `products`: every task reads all of them, for its product table. */
  readonly productPartitions: number;
  /** Differs between incarnations of the task. */
  readonly nonce: string;
  readonly outbox: Outbox;
  /** The plugin whose features are folded and whose model scores. */
  readonly plugin: SessionScorerPlugin<CustomerEventBatch>;
  readonly scorer: Scorer;
  /** What schema ids of Avro records mean. */
  readonly schemas: WriterSchemas;
  readonly stageClock: StageClock;
}

/**
 * The way of an event, for one partition of every topic:
 *
 * customer-events → decode → bronze → dedupe → enrich → silver → sessions → page views
 *   → product panes (to the second stage) → features → propensity
 * orders          → decode → bronze → rules
 * products        → decode → bronze → product table
 * other topics    → decode → bronze
 */
export function createEventsPipeline(config: EventsPipelineConfig, deps: EventsPipelineDeps): Pipeline {
  const { taskId, partition, nonce, outbox, stageClock } = deps;
  const keys = {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
  const keySection = new StateSection("keys");
  for (const dictionary of Object.values(keys)) keySection.dictionary(dictionary);
  const outputs = new TaskOutputs(outbox, { taskId, nonce, fileBytesMax: config.fileBytesMax });
  const deadLetters = createDeadLetters(outputs);
  const capacity = READ_LIMITS.recordsMax;
  const decoderOptions = {
    keys,
    capacity,
    recordBytesMax: config.recordBytesMax,
    futureSkewMs: config.futureSkewMs,
    schemas: deps.schemas,
  };
  let processed = 0;

  const products = createProductTable({ keys });
  const eventTime = new WatermarkTracker("watermark.customer-events", config.time);
  const orderTime = new WatermarkTracker("watermark.orders", config.time);
  const dedupe = createDedupe<CustomerEventBatch>(config.dedupe, {
    time: config.time,
    eventId: (batch) => batch.eventId,
    eventTime: (batch) => batch.eventTime,
  });
  const orderSteps: Operator<OrderBatch>[] = [
    createDedupe<OrderBatch>(config.dedupe, {
      name: "dedupe.orders",
      time: config.time,
      eventId: (batch) => batch.eventId,
      eventTime: (batch) => batch.orderTime,
    }),
    createOrderRules(config.orderRules, { keys, outputs }),
  ];
  const silver = createSilverEvents({
    keys,
    products,
    appendRows: (columns, from, to, selection) =>
      outputs.sink(silverEvents).append(columns, from, to, selection),
  });
  const features = createFeatureSet(deps.plugin, keys);
  const userRecords = new UserRecords(keys.userId, config.hotTtlMs);
  const scoring = createScoreSessions(config.propensity, {
    keys,
    outputs,
    userRecords,
    features,
    scorer: deps.scorer,
  });
  const panes = createProductPanes(config.productPanes, {
    keys,
    products,
    time: config.time,
    sourceTask: taskId,
    emitPanes: (bytes, sequence) => outbox.addPane({ bytes, sequence }),
  });
  const eventSteps: Operator<CustomerEventBatch>[] = [
    dedupe,
    silver,
    createSessionize(config.sessions, { keys, outputs, time: config.time }),
    createPageViewsByUser(config.pageViews, { keys, outputs, time: config.time, userRecords }),
    panes,
    scoring,
  ];

  /** Runs steps over the rows of a batch; event time advances between the rows where its tick changes. */
  function fold<B extends EventBatch>(
    batch: B,
    time: Float64Column,
    watermark: WatermarkTracker,
    steps: readonly Operator<B>[],
  ): void {
    for (let from = 0; from < batch.length; ) {
      const to = watermark.scan(batch, time, from);
      stageClock.lap("watermark");
      if (to > from) {
        for (const step of steps) {
          step.process(batch, from, to, watermark.progress);
          stageClock.lap(step.name);
        }
      }
      if (to < batch.length) advance(steps, watermark.advance());
      from = to;
    }
  }

  function advance(
    steps: readonly { name: string; advance(progress: Progress): void }[],
    progress: Progress,
  ): void {
    for (const step of steps) {
      step.advance(progress);
      stageClock.lap(step.name);
    }
  }

  function foldEvents(batch: CustomerEventBatch): void {
    processed += batch.length;
    fold(batch, batch.eventTime, eventTime, eventSteps);
  }

  const folds: Record<string, { readonly fold: (batch: never) => void; readonly endOfInput?: () => void }> = {
    "customer-events": { fold: foldEvents, endOfInput: () => advance(eventSteps, eventTime.endOfInput()) },
    orders: {
      fold: (batch: OrderBatch) => fold(batch, batch.orderTime, orderTime, orderSteps),
      endOfInput: () => advance(orderSteps, orderTime.endOfInput()),
    },
    products: { fold: (batch: ProductBatch) => products.fold(batch) },
  };

  function createInput(contract: EventContract): PipelineInput {
    const steps = folds[contract.topic];
    return createDecodedInput<EventBatch>({
      contract,
      partition,
      decoder: createDecoder(contract, decoderOptions),
      capacity,
      outputs,
      deadLetters,
      stageClock,
      fold: (steps?.fold as ((batch: EventBatch) => void) | undefined) ?? (() => undefined),
      endOfInput: steps?.endOfInput ?? (() => undefined),
    });
  }

  /** Products of the other partitions: for the product table alone, their own task keeps them. */
  function createProductFeed(otherPartition: number): PipelineInput {
    const decoder = createDecoder(productContract, decoderOptions);
    return {
      topic: productContract.topic,
      partition: otherPartition,
      readsAlong: true,
      process: (records) => {
        if (records.control !== "data") return;
        products.fold(decoder.decode(records, 0, records.count));
      },
    };
  }

  // Of what has the same place in the order over topics the first input comes first: a product, then what names it.
  const inputs = [createInput(productContract)];
  for (let other = 0; other < deps.productPartitions; other++) {
    if (other !== partition) inputs.push(createProductFeed(other));
  }
  inputs.push(...contracts.filter(({ topic }) => topic !== productContract.topic).map(createInput));

  const operators = [...eventSteps, ...orderSteps];
  return {
    taskId,
    inputs,
    sections: [
      keySection,
      eventTime.state,
      orderTime.state,
      products.state,
      ...operators.map((operator) => operator.state),
      ...features.sections,
    ],
    get sinks() {
      return outputs.sinks;
    },
    afterRestore() {
      for (const operator of operators) operator.afterRestore?.();
      eventTime.afterRestore();
      orderTime.afterRestore();
      // Nothing is due that was not before the checkpoint: operators take up the progress again.
      advance(eventSteps, eventTime.progress);
      advance(orderSteps, orderTime.progress);
    },
    flushRows: () => outputs.flushRows(),
    flushHot: (hot, keysMax) => userRecords.flush(hot, keysMax),
    markIdle: () => outbox.addPane({ bytes: panes.idleBlock(), sequence: null }),
    counters: () => ({
      processed,
      refused: [...deadLetters.countByReason.values()].reduce((sum, count) => sum + count, 0),
      duplicates: dedupe.duplicates(),
      late: eventTime.late,
      tooLate: eventTime.tooLate,
    }),
    watermarkMs: () => (Number.isFinite(eventTime.watermarkMs) ? eventTime.watermarkMs : null),
  };
}
