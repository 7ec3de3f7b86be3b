import {
  createFeatureSet,
  type DemandOutlook,
  FraudFeatures,
  type OrderScorer,
  type OrderScorerPlugin,
  type RecommenderPlugin,
  type ServedModels,
  type SessionScorerPlugin,
  type VisitRecommender,
} from "../../ml/index.ts";
import {
  type Column,
  type CustomerEventBatch,
  contracts,
  createDecoder,
  type EventBatch,
  type EventContract,
  KeyDictionary,
  type ProductBatch,
  productContract,
  StateSection,
  silverEvents,
  type WriterSchemas,
} from "../../schema/index.ts";
import {
  type DetectorBatches,
  type DetectorConfig,
  type DetectorTopic,
  detectorSpecs,
  wholeTopics,
} from "../detectors/index.ts";
import { propensityReport, sessionScoreReport } from "../operators/crossing-reports.ts";
import { createDeadLetters } from "../operators/dead-letters.ts";
import {
  createPageViewsByUser,
  createProductPanes,
  createProductTable,
  createRecommendProducts,
  createSessionize,
  createSilverEvents,
  type DedupeConfig,
  type PageViewsConfig,
  PRODUCT_CHANNEL,
  type ProductPanesConfig,
  type RecommendProductsConfig,
  type SessionizeConfig,
  UserRecords,
} from "../operators/index.ts";
import type { OrderMonitorConfig } from "../operators/order-monitor.ts";
import { RecordCounts } from "../operators/record-counts.ts";
import { createScoreOrders } from "../operators/score-orders.ts";
import { createScoreSessions, type ScoreSessionsConfig } from "../operators/score-sessions.ts";
import { emitSomeOf, type Operator } from "../runtime/operator.ts";
import { EMIT_ROWS, HOT_PART_KEYS, type Pipeline, type PipelineInput } from "../runtime/pipeline.ts";
import type { StageClock } from "../runtime/stage-clock.ts";
import { READ_LIMITS } from "../runtime/task.ts";
import type { WorkTally } from "../runtime/work-tally.ts";
import type { Outbox } from "../sinks/outbox.ts";
import type { TableSink } from "../sinks/table-sink.ts";
import { TaskTime, type TimeConfig } from "../time/index.ts";
import { createDecodedInput, keepAsReceived } from "./decoded-input.ts";
import { MODELS } from "./optional-parts.ts";
import { TaskOutputs } from "./task-outputs.ts";
import { TopicSteps } from "./topic-steps.ts";

export interface EventsPipelineConfig {
  readonly time: TimeConfig;
  readonly recordBytesMax: number;
  readonly futureSkewMs: number | null;
  readonly dedupe: DedupeConfig;
  readonly sessions: SessionizeConfig;
  readonly pageViews: PageViewsConfig;
  readonly productPanes: ProductPanesConfig;
  readonly propensity: ScoreSessionsConfig;
  readonly orderMonitor: OrderMonitorConfig;
  readonly recommendations: RecommendProductsConfig;
  readonly detectors: DetectorConfig;
  /** Of {@link optionalParts}, those that are not run. */
  readonly leaveOut: readonly string[];
  /** How long a user's hot record lives. */
  readonly hotTtlMs: number;
  readonly fileBytesMax: number;
}

export interface EventsPipelineDeps {
  readonly taskId: string;
  readonly partition: number;
  /** Partitions of the topics that every task reads whole, such as `products`. */
  readonly partitions: number;
  /** Differs between incarnations of the task. */
  readonly nonce: string;
  readonly outbox: Outbox;
  /** The plugin whose features are folded and whose model scores. */
  readonly plugin: SessionScorerPlugin<CustomerEventBatch>;
  /** The models that score. */
  readonly slot: { readonly models: ServedModels };
  /** Further plugins that score sessions. */
  readonly sessionScorers: readonly {
    readonly plugin: SessionScorerPlugin<CustomerEventBatch>;
    readonly slot: { readonly models: ServedModels };
  }[];
  /** Milliseconds from any origin, with fractions. */
  readonly stopwatch: () => number;
  /** What recommends products, and the model that it does so by at this moment. */
  readonly recommender: {
    readonly plugin: RecommenderPlugin;
    readonly slot: { readonly models: ServedModels<VisitRecommender> };
  };
  /** What scores orders, and the models that it does so by at this moment. */
  readonly fraud: {
    readonly plugin: OrderScorerPlugin;
    readonly slot: { readonly models: ServedModels<OrderScorer> };
  };
  /** The demand that is expected at this moment, for detectors; absent: none is. */
  readonly outlook?: () => DemandOutlook | null;
  /** What schema ids of Avro records mean. */
  readonly schemas: WriterSchemas;
  readonly stageClock: StageClock;
  /** Where dead letters are counted by reason; by default nobody asks. */
  readonly tally?: WorkTally | undefined;
}

/**
 * The way of an event, for one partition of every topic:
 *
 * customer-events → decode → bronze → dedupe → enrich → silver → sessions → page views
 *   → product panes (to the second stage) → features → propensity → recommendations → detectors
 * orders          → decode → bronze → dedupe → features → fraud → detectors
 * payments        → decode → bronze → dedupe → features → detectors
 * fraud-labels    → decode → bronze → dedupe → features → detectors
 * products        → decode → bronze → product table
 * rule-changes    → decode → bronze → the rules that detectors judge by
 * dead-letter-resends → decode → bronze
 * other topics    → decode → bronze → dedupe → detectors
 *
 * Bronze and silver are written when a batch is through: what they have in common is encoded once.
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
  const counts = new RecordCounts();
  const deadLetters = createDeadLetters(outputs, counts, deps.tally);
  const capacity = READ_LIMITS.recordsMax;
  const decoderOptions = {
    keys,
    capacity,
    recordBytesMax: config.recordBytesMax,
    futureSkewMs: config.futureSkewMs,
    schemas: deps.schemas,
  };
  const products = createProductTable({ keys });
  const silver = createSilverEvents({ keys, products });
  const features = createFeatureSet(deps.plugin, keys);
  const userRecords = new UserRecords(keys.userId, config.hotTtlMs);
  const scoring = createScoreSessions(config.propensity, {
    keys,
    outputs,
    partition,
    userRecords,
    features,
    plugin: deps.plugin,
    slot: deps.slot,
    report: propensityReport,
    stopwatch: deps.stopwatch,
  });
  const furtherScorers = deps.sessionScorers.map(({ plugin, slot }) => {
    const own = createFeatureSet(plugin, keys, `features.${plugin.name}`);
    const operator = createScoreSessions(
      { ...config.propensity, ...plugin.crossing },
      {
        keys,
        outputs,
        partition,
        userRecords,
        features: own,
        plugin,
        slot,
        report: sessionScoreReport(plugin.name),
        stopwatch: deps.stopwatch,
      },
    );
    return { operator, sections: own.sections };
  });
  const { plugin: recommenderPlugin, slot: visitModels } = deps.recommender;
  const recommendations = createRecommendProducts(config.recommendations, {
    keys,
    outputs,
    products,
    createOnline: (section, categoryOf) => recommenderPlugin.createOnline(section, categoryOf),
    plugin: recommenderPlugin.name,
    slot: visitModels,
    partition,
    stopwatch: deps.stopwatch,
  });
  const fraudFeatures = new FraudFeatures({ session: features });
  const fraud = createScoreOrders(
    { hotTtlMs: config.hotTtlMs, monitor: config.orderMonitor },
    {
      keys,
      outputs,
      partition,
      features: fraudFeatures,
      plugin: deps.fraud.plugin.name,
      slot: deps.fraud.slot,
      stopwatch: deps.stopwatch,
      describe: (feature, value) => deps.fraud.plugin.describe(feature, value),
    },
  );
  const panes = createProductPanes(config.productPanes, {
    keys,
    products,
    time: config.time,
    sourceTask: taskId,
    emitPanes: (bytes, sequence) => outbox.addPane({ stream: PRODUCT_CHANNEL, bytes, sequence }),
  });
  const sessionize = createSessionize(config.sessions, {
    keys,
    outputs,
    time: config.time,
    ...(runs(MODELS) && { onEnd: recommendations.endSession }),
  });
  const found = detectorSpecs
    .filter(({ name }) => runs(name))
    .map((spec) =>
      spec.create(config.detectors, {
        keys,
        products,
        sessions: sessionize.sessions,
        outputs,
        userRecords,
        time: config.time,
        taskId,
        hotTtlMs: config.hotTtlMs,
        ...(deps.outlook !== undefined && { outlook: deps.outlook }),
        // Detectors over one topic name their streams alike, and each counts its own blocks.
        sendBlock: (stream, bytes, sequence) =>
          outbox.addPane({ stream: `${spec.name}:${stream}`, bytes, sequence }),
      }),
    );
  const steps: { readonly [T in DetectorTopic]?: readonly Operator<DetectorBatches[T]>[] } = {
    "customer-events": [
      silver,
      sessionize,
      createPageViewsByUser(config.pageViews, { keys, outputs, time: config.time, userRecords }),
      panes,
      scoring,
      ...models(...furtherScorers.map(({ operator }) => operator)),
      ...models(recommendations, fraud.steps["customer-events"]),
    ],
    orders: models(fraud.steps.orders),
    payments: models(fraud.steps.payments),
    "fraud-labels": models(fraud.steps["fraud-labels"]),
  };
  const topics = contracts.flatMap((contract) => {
    const topic = contract.topic as DetectorTopic;
    const own = [...(steps[topic] ?? []), ...found.flatMap((detector) => detector.steps[topic] ?? [])];
    return own.length === 0 ? [] : [openTopic(contract, own as Operator[])];
  });
  const taskTime = new TaskTime(topics.map(({ watermark }) => watermark));
  const events = topics[0];

  function runs(part: string): boolean {
    return !config.leaveOut.includes(part);
  }

  function models<B extends EventBatch>(...own: readonly Operator<B>[]): readonly Operator<B>[] {
    return runs(MODELS) ? own : [];
  }

  function openTopic(contract: EventContract, own: readonly Operator[]): TopicSteps {
    return new TopicSteps({
      contract,
      time: config.time,
      dedupe: config.dedupe,
      steps: own,
      stageClock,
      onAdvance: advanceTask,
    });
  }

  function advanceTask(): void {
    if (!taskTime.advance()) return;
    for (const detector of found) detector.advanceTask?.(taskTime.nowMs);
    stageClock.lap("detectors");
  }

  /** Bronze and silver have the same rows, unless some are duplicates. */
  function keepEvents(received: readonly Column[], batch: EventBatch, bronze: TableSink): void {
    const { length } = batch;
    const { columns, count, selection } = silver.takeRows(batch as CustomerEventBatch);
    const silverSink = outputs.sink(silverEvents);
    if (selection === undefined) {
      bronze.appendWithTwin(received, silverSink, columns, 0, length);
    } else {
      bronze.append(received, 0, length);
      silverSink.append(columns, 0, count, selection);
    }
  }

  function createInput(contract: EventContract): PipelineInput {
    const topic = topics.find((one) => one.contract === contract);
    return createDecodedInput<EventBatch>({
      contract,
      partition,
      decoder: createDecoder(contract, decoderOptions),
      capacity,
      outputs,
      deadLetters,
      stageClock,
      fold: (batch) => {
        readAlong(contract, batch);
        topic?.fold(batch);
        // Duplicates included.
        if (contract === events.contract) counts.addProcessed(batch.length);
      },
      keep: contract === events.contract ? keepEvents : keepAsReceived,
      endOfInput: () => topic?.endOfInput(),
    });
  }

  /** Hands a batch to what every task keeps of all partitions. */
  function readAlong(contract: EventContract, batch: EventBatch): void {
    if (contract === productContract) products.fold(batch as ProductBatch);
    const topic = contract.topic as DetectorTopic;
    for (const { readsAlong } of found) readsAlong?.[topic]?.(batch as never);
  }

  /** Another partition of a topic that every task reads whole: its own task keeps the rows. */
  function createFeed(contract: EventContract, otherPartition: number): PipelineInput {
    const decoder = createDecoder(contract, decoderOptions);
    return {
      topic: contract.topic,
      partition: otherPartition,
      readsAlong: true,
      process: (records) => {
        if (records.control !== "data") return;
        readAlong(contract, decoder.decode(records, 0, records.count));
      },
    };
  }

  // Of what has the same place in the order over topics the first input comes first: what all tasks
  // know, such as a product, then what is judged by it.
  const isWhole = ({ topic }: EventContract): boolean => wholeTopics.includes(topic);
  const inputs: PipelineInput[] = [];
  for (const contract of contracts.filter(isWhole)) {
    inputs.push(createInput(contract));
    for (let other = 0; other < deps.partitions; other++) {
      if (other !== partition) inputs.push(createFeed(contract, other));
    }
  }
  inputs.push(...contracts.filter((contract) => !isWhole(contract)).map(createInput));

  return {
    taskId,
    inputs,
    sections: [
      keySection,
      counts.state,
      products.state,
      ...topics.flatMap(({ sections }) => sections),
      ...features.sections,
      ...furtherScorers.flatMap(({ sections }) => sections),
      recommendations.healthState,
      fraudFeatures.section,
      ...found.flatMap(({ sections }) => sections ?? []),
    ],
    get sinks() {
      return outputs.sinks;
    },
    afterRestore() {
      for (const topic of topics) topic.afterRestore();
    },
    emitSome: () => emitSomeOf(topics, EMIT_ROWS),
    flushRows() {
      emitSomeOf(topics, Number.POSITIVE_INFINITY);
      outputs.flushRows();
    },
    flushSomeRows: () => emitSomeOf(topics, EMIT_ROWS) || outputs.flushSomeRows(),
    flushHot(hot, keysMax) {
      let more = userRecords.flush(hot, keysMax);
      more = recommendations.flushHot(hot) || more;
      more = fraud.flushHot(hot, keysMax) || more;
      for (const detector of found) more = detector.flushHot?.(hot, keysMax) === true || more;
      return more;
    },
    arrangeHot: (keysMax) => userRecords.arrange(keysMax),
    hotWaiting: () =>
      Math.max(
        // What has no count hands over all of it at once.
        1,
        userRecords.waiting,
        fraud.hotWaiting(),
        ...found.map((detector) => detector.hotWaiting?.() ?? 0),
      ),
    markHot(part) {
      const [from, to] = [part * HOT_PART_KEYS, (part + 1) * HOT_PART_KEYS];
      userRecords.markAll(from, to);
      recommendations.markHot(from, to);
      for (const detector of found) detector.markHot?.(from, to);
      return to < Math.max(keys.userId.size, keys.productId.size);
    },
    markIdle() {
      outbox.addPane({ stream: PRODUCT_CHANNEL, bytes: panes.idleBlock(), sequence: null });
      for (const detector of found) detector.markIdle?.();
    },
    counters: () => ({
      processed: counts.processed,
      refused: counts.refused,
      duplicates: events.dedupe.duplicates(),
      late: events.watermark.late,
      tooLate: events.watermark.tooLate,
    }),
    models: () => [
      scoring.status(),
      ...furtherScorers.map(({ operator }) => operator.status()),
      fraud.status(),
      recommendations.status(),
    ],
    watermarkMs: () => (Number.isFinite(events.watermark.watermarkMs) ? events.watermark.watermarkMs : null),
  };
}
