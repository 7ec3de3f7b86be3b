import type { DemandOutlook } from "../../ml/index.ts";
import type {
  CustomerEventBatch,
  FraudLabelBatch,
  InventoryUpdateBatch,
  OrderBatch,
  PaymentBatch,
  RuleChangeBatch,
  Settings,
  SettingValues,
  StateSection,
  TableSpec,
  UserProfileBatch,
} from "../../schema/index.ts";
import type { OpenSessions } from "../operators/open-sessions.ts";
import type { OperatorKeys } from "../operators/operator-keys.ts";
import type { ProductTable } from "../operators/product-table.ts";
import type { UserRecords } from "../operators/user-records.ts";
import type { Operator, OperatorOutputs } from "../runtime/operator.ts";
import type { HotOutputs } from "../sinks/hot-batch-writer.ts";
import type { TimeConfig } from "../time/index.ts";

/** Batches by topic, of the topics that a detector can fold. */
export interface DetectorBatches {
  readonly "customer-events": CustomerEventBatch;
  readonly orders: OrderBatch;
  readonly payments: PaymentBatch;
  readonly "inventory-updates": InventoryUpdateBatch;
  readonly "user-profiles": UserProfileBatch;
  readonly "fraud-labels": FraudLabelBatch;
  readonly "rule-changes": RuleChangeBatch;
}

export type DetectorTopic = keyof DetectorBatches;

/**
 * A detector: one folder under `detectors/`, whose spec `index.ts` there names. Declared once, it gives
 * settings with their validation and reference page, tables of the lake, and operators of the stream.
 */
export interface DetectorSpec<S extends Settings = Settings> {
  /** Kebab-case; also the name of its channel to the second stage. */
  readonly name: string;
  readonly doc: string;
  /** Keys begin with the name in camel case: `funnelWithinMs`. */
  readonly settings: S;
  /** What contradicts between settings that are each valid, told at the start; for a person, with what to do. */
  problems?(config: SettingValues<S>, time: TimeConfig): readonly string[];
  /** Its longest window, ms, where it has any: the end of an input reports every window that holds data. */
  longestWindowMs?(config: SettingValues<S>): number;
  /**
   * How long what its rows hang on is kept, ms of event time, where that is more than its windows: a replay
   * of a range reads so much in front of it.
   */
  keptMs?(config: SettingValues<S>): number;
  /** How long after its window a row may still be corrected, ms of event time, where later data may do so. */
  correctedMs?(config: SettingValues<S>): number;
  /** The tables that it writes. */
  readonly tables: readonly TableSpec[];
  /** Topics of which every task reads all partitions, for {@link Detector.readsAlong}. */
  readonly readsWhole?: readonly DetectorTopic[];
  /** The kinds of alerts that it raises, with what they say. */
  readonly alerts: Readonly<Record<string, string>>;
  /** Its part of a task, which sees the records of one partition. */
  create(config: SettingValues<S>, deps: DetectorDeps): Detector;
  /** What adds up what the parts of all tasks send; none where tasks need not know of each other. */
  combine?(config: SettingValues<S>, deps: CombinerDeps): Combiner;
}

export interface DetectorDeps {
  readonly keys: OperatorKeys;
  /** Products as of event time. */
  readonly products: ProductTable;
  /** Sessions of the customer events in hand. */
  readonly sessions: OpenSessions;
  readonly outputs: OperatorOutputs;
  readonly userRecords: UserRecords;
  readonly time: TimeConfig;
  readonly taskId: string;
  /** Time to live of hot values, ms. */
  readonly hotTtlMs: number;
  /** The demand that is expected at this moment; null, or absent, without a forecast. */
  readonly outlook?: () => DemandOutlook | null;
  /**
   * Sends a block to {@link DetectorSpec.combine}. Of one `stream` (a source, of which there is one a topic)
   * sequences rise, and a replay sends the same block under the same one; null for a marker that may
   * be repeated or missed.
   */
  readonly sendBlock: (stream: string, bytes: Uint8Array, sequence: number | null) => void;
}

export interface Detector {
  /**
   * Its steps by topic, behind that topic's dedupe. What one emits follows from the records of its own
   * topic alone, or carries a revision: how topics interleave is not decided by event time.
   */
  readonly steps: { readonly [T in DetectorTopic]?: Operator<DetectorBatches[T]> };
  /** Takes batches of {@link DetectorSpec.readsWhole}, without dedupe or watermark: what all tasks must know. */
  readonly readsAlong?: { readonly [T in DetectorTopic]?: (batch: DetectorBatches[T]) => void };
  /** State beside that of its steps. */
  readonly sections?: readonly StateSection[];
  /**
   * The newest event time that any topic of the task has come to (its watermark, a multiple of the tick)
   * moved; `Infinity` where all topics have ended. For what waits for something that may never come.
   */
  advanceTask?(taskTimeMs: number): void;
  /** The task is silent: nobody need wait for what it would send. */
  markIdle?(): void;
  /** Hands over hot values that changed, at most so many keys; whether more are waiting. */
  flushHot?(hot: HotOutputs, keysMax: number): boolean;
  /** Keys that `flushHot` has to be given, in all, for what has changed up to now. */
  hotWaiting?(): number;
  /** Marks the hot values of the users and products of [from, to) for another write. */
  markHot?(from: number, to: number): void;
}

export interface CombinerDeps {
  readonly outputs: OperatorOutputs;
  /** The tasks whose blocks come. */
  readonly sourceTasks: readonly string[];
  readonly time: TimeConfig;
  readonly hotTtlMs: number;
}

/** A detector's part of the second stage. */
export interface Combiner {
  readonly state: StateSection;
  /** Folds the block `bytes[start, end)` of its channel. */
  fold(bytes: Uint8Array, start: number, end: number): void;
  /** Emits about so many of the rows that are due and were put off; whether there are more. */
  emitSome?(rowsMax: number): boolean;
  afterRestore?(): void;
  flushHot?(hot: HotOutputs): void;
  /** Marks all hot values for another write, as far as the state still holds what they say. */
  markHot?(): void;
}

/** Checks a spec's types where it is written, and keeps those of its settings. */
export function defineDetector<const S extends Settings>(spec: DetectorSpec<S>): DetectorSpec<S> {
  return spec;
}
