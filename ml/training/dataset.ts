import { type Column, type EventBatch, KeyDictionary, RowFlag } from "../../schema/index.ts";
import { createFeatureSet, type FeatureSet } from "../features/feature-set.ts";
import type { Dataset, FeatureKeys, SessionScorerPlugin } from "../plugin.ts";
import { createRandom } from "./random.ts";
import { RowReservoir } from "./row-reservoir.ts";

export interface BuildDatasetOptions {
  readonly seed: number;
  /** Most rows kept, a uniform sample of what is offered. Bounds the memory: 200 bytes a row at 24 features. */
  readonly rowsMax?: number;
  /**
   * All of a session's first so many vectors are offered, of the k-th after them the share
   * `sessionRows / k`: a robot with a million events counts like a long visit, not like a city.
   */
  readonly sessionRows?: number;
  /** `auto`: where leaving the open ones out would lose most rows, they are taken as ended; else left out. */
  readonly openSessions?: "leave-out" | "auto";
  readonly onProgress?: (message: string) => void;
}

export interface BuiltDataset {
  readonly dataset: Dataset;
  /** Events folded; duplicates are skipped, as in the stream. */
  readonly events: number;
  readonly sessions: number;
  /** Rows whose session had not ended with the input: their label is not known. */
  readonly rowsUnknown: number;
  readonly openSessions: OpenSessions;
}

/** What became of sessions that had not ended with the input: taken as ended, their labels are assumed. */
export type OpenSessions = "left-out" | "taken-as-ended";

/** Share of the rows whose label must be known for the others to be left out. */
const KNOWN_SHARE_MIN = 0.5;

/**
 * Replays the plugin's fold over events in log order per partition, as the stream does, and samples
 * labelled vectors. A label becomes known within the session: 1 when an outcome follows, 0 when the
 * session ends. Sessions still open at the end of their partition are left out, whatever they hold
 * (see {@link BuildDatasetOptions.openSessions}).
 * Memory: the sample, and the fold's state of every entity.
 */
export async function buildDataset(
  plugin: SessionScorerPlugin,
  events: AsyncIterable<EventBatch>,
  options: BuildDatasetOptions,
): Promise<BuiltDataset> {
  const width = plugin.features.reduce((total, group) => total + group.features.length, 0);
  const sample = new RowReservoir(width, options.rowsMax ?? 500_000, createRandom(options.seed));
  const replays = new Map<number, PartitionReplay>();
  let reported = 0;
  let folded = 0;
  let sessions = 0;
  for await (const batch of events) {
    let replay = replays.get(batch.partition);
    if (replay === undefined) {
      replay = new PartitionReplay(plugin, keysOf(batch), sample, options, () => sessions++);
      replays.set(batch.partition, replay);
    }
    folded += replay.fold(batch);
    if (folded - reported >= 1_000_000) {
      reported = folded;
      options.onProgress?.(`${folded} events folded, ${sample.rows} rows sampled`);
    }
  }
  const open = new Set<number>();
  for (const replay of replays.values()) replay.collectOpenSessions(open);
  const rows = sample.rows;
  const names = plugin.features.flatMap((group) => group.features);
  const known = sample.dataset(names, open);
  const counts = { events: folded, sessions, rowsUnknown: rows - known.rows };
  if (options.openSessions !== "auto" || known.rows >= rows * KNOWN_SHARE_MIN) {
    return { ...counts, dataset: known, openSessions: "left-out" };
  }
  options.onProgress?.("most sessions are still open at the end of the input: they are taken as ended there");
  return { ...counts, dataset: sample.dataset(names, new Set()), openSessions: "taken-as-ended" };
}

/** The dictionaries of a batch's key columns; an empty one where the reader left the column out. */
function keysOf(batch: EventBatch): FeatureKeys {
  const named = batch as EventBatch & Partial<Record<keyof FeatureKeys, Column>>;
  const dictionary = (name: keyof FeatureKeys): KeyDictionary => {
    const column = named[name];
    return column?.kind === "key" ? column.dictionary : new KeyDictionary(name);
  };
  return {
    userId: dictionary("userId"),
    productId: dictionary("productId"),
    categoryId: dictionary("categoryId"),
  };
}

/** The fold of one partition, and the open session of each of its entities. */
class PartitionReplay {
  private readonly plugin: SessionScorerPlugin;
  private readonly features: FeatureSet;
  private readonly sample: RowReservoir;
  private readonly sessionRows: number;
  private readonly newSession: () => number;
  /** By entity: newest event time, current session, vectors offered of it, list of its sampled rows, its newest outcome. */
  private last = new Float64Array(0);
  private session = new Int32Array(0);
  private offered = new Int32Array(0);
  private list = new Int32Array(0);
  private outcome = new Float64Array(0);
  private newestMs = Number.NEGATIVE_INFINITY;

  constructor(
    plugin: SessionScorerPlugin,
    keys: FeatureKeys,
    sample: RowReservoir,
    options: BuildDatasetOptions,
    newSession: () => number,
  ) {
    this.plugin = plugin;
    this.features = createFeatureSet(plugin, keys);
    this.sample = sample;
    this.sessionRows = options.sessionRows ?? 64;
    this.newSession = newSession;
  }

  /** Returns how many rows it folded. */
  fold(batch: EventBatch): number {
    const { labels } = this.plugin;
    let folded = 0;
    this.features.ensure();
    for (let row = 0; row < batch.length; row++) {
      if ((batch.flags[row] & RowFlag.duplicate) !== 0) continue;
      const entity = labels.entity(batch, row);
      const time = labels.time(batch, row);
      this.enter(entity, time);
      if (labels.isOutcome(batch, row) && this.isNewOutcome(entity, batch, row))
        this.sample.label(this.list[entity], 1);
      this.features.fold(batch, row);
      this.offer(entity, time);
      folded++;
    }
    return folded;
  }

  /** Whether the row is not of the session's newest outcome. */
  private isNewOutcome(entity: number, batch: EventBatch, row: number): boolean {
    const key = this.plugin.labels.outcomeKey?.(batch, row) ?? 0;
    const isNew = key === 0 || key !== this.outcome[entity];
    this.outcome[entity] = key;
    return isNew;
  }

  collectOpenSessions(open: Set<number>): void {
    for (let entity = 0; entity < this.session.length; entity++) {
      if (this.session[entity] < 0) continue;
      if (this.last[entity] + this.plugin.labels.gapMs >= this.newestMs) open.add(this.session[entity]);
    }
  }

  /** The entity's clock; after the gap its session is over, and what has no outcome keeps label 0. */
  private enter(entity: number, time: number): void {
    if (entity >= this.session.length) this.grow(entity + 1);
    if (time > this.newestMs) this.newestMs = time;
    if (this.session[entity] < 0 || time - this.last[entity] > this.plugin.labels.gapMs) {
      if (this.session[entity] >= 0) this.sample.close(this.list[entity]);
      else this.list[entity] = this.sample.openList();
      this.session[entity] = this.newSession();
      this.offered[entity] = 0;
      this.outcome[entity] = 0;
      this.last[entity] = time;
    } else if (time > this.last[entity]) {
      this.last[entity] = time;
    }
  }

  private offer(entity: number, time: number): void {
    const k = ++this.offered[entity];
    if (k > this.sessionRows && this.sample.random() * k >= this.sessionRows) return;
    const row = this.sample.place(this.list[entity], time, this.session[entity]);
    if (row >= 0) this.features.read(entity, time, this.sample.vectors, row * this.sample.width);
  }

  private grow(count: number): void {
    const capacity = Math.max(count, this.session.length * 2, 1024);
    const from = this.session.length;
    this.last = copyOf(this.last, new Float64Array(capacity));
    this.session = copyOf(this.session, new Int32Array(capacity)).fill(-1, from);
    this.offered = copyOf(this.offered, new Int32Array(capacity));
    this.outcome = copyOf(this.outcome, new Float64Array(capacity));
    this.list = copyOf(this.list, new Int32Array(capacity)).fill(-1, from);
  }
}

function copyOf<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
