import {
  BOUGHT_MAX,
  LOOKS_MAX,
  LOOKS_SHIFT,
  Look,
  type OnlineRecommender,
  RECOMMENDATION_REASONS,
  type ServedModels,
  SessionLooks,
  type VisitRecommender,
} from "../../ml/index.ts";
import {
  type CustomerEventBatch,
  goldRecommendations,
  jsonBlob,
  PAGE_SHIFT,
  StateSection,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import type { HotBatchWriter, HotOutputs } from "../sinks/hot-batch-writer.ts";
import { HotNamespace } from "../sinks/hot-records.ts";
import { type JsonWriter, jsonFragment } from "../sinks/json-writer.ts";
import type { OperatorDeps } from "./operator-keys.ts";
import type { ProductTable } from "./product-table.ts";
import { type NamedList, RecommendationLists } from "./recommendation-lists.ts";
import { RecommendationMonitor, type RecommendationMonitorConfig } from "./recommendation-monitor.ts";
import { SlotSet } from "./slot-set.ts";
import { TOUCH_ROWS, touchSlots } from "./touch-slots.ts";

export interface RecommendProductsConfig {
  /** Products of a list. */
  readonly count: number;
  /** Products behind them in the hot store, for those that are sold out when it is read. */
  readonly spareCount: number;
  /** A gap longer than this between two looks begins a new visit. */
  readonly sessionGapMs: number;
  /** How long a list lives in the hot store. */
  readonly hotTtlMs: number;
  /** Most lists of users that one flush of hot values makes: the next events wait for them. */
  readonly listsAFlushMax: number;
  /** While events come, one list of a user for so many of them: what bounds their share of the time. */
  readonly eventsAList: number;
  /** Looks that a task learns from at once; from then on one for so many events. */
  readonly learnLooksMax: number;
  readonly eventsALearnedLook: number;
  /** Lists of ended visits that the lake keeps: at most one for so many events. */
  readonly eventsAKeptList: number;
  readonly monitor: RecommendationMonitorConfig;
}

export const defaultRecommendProductsConfig: RecommendProductsConfig = {
  count: 10,
  spareCount: 5,
  sessionGapMs: 1_800_000,
  hotTtlMs: 3_600_000,
  listsAFlushMax: 4,
  eventsAList: 100,
  learnLooksMax: 10_000,
  eventsALearnedLook: 64,
  eventsAKeptList: 2_000,
  monitor: {
    health: { windowMs: 3_600_000, driftIndex: 0.25, driftRowsMin: 500, calibrationErrorMax: 0.1 },
    sampleEvery: 1024,
  },
};

export interface RecommendProductsDeps extends OperatorDeps {
  readonly products: ProductTable;
  /** Makes what the task learns by itself, in the operator's state. */
  readonly createOnline: (
    section: StateSection,
    categoryOf: (product: number) => number,
  ) => OnlineRecommender;
  readonly plugin: string;
  /** The models of this moment. */
  readonly slot: { readonly models: ServedModels<VisitRecommender> };
  /** Log partition of the task. */
  readonly partition: number;
  /** Milliseconds from any origin, with fractions: for the cost of a challenger. */
  readonly stopwatch: () => number;
}

export interface RecommendProducts extends Operator<CustomerEventBatch> {
  /** A session of a user ended: its list is kept in the lake, where it is its turn. */
  endSession(user: number, startMs: number, endMs: number): void;
  /** Writes the lists of users whose visit changed; whether more should be written at once. */
  flushHot(hot: HotOutputs): boolean;
  /** State beside the operator's own. */
  readonly healthState: StateSection;
  status(): ModelStatus;
  /** Marks the lists of the users of [from, to) whose visit is not longer ago than a list lives. */
  markHot(from: number, to: number): void;
}

const NONE = -1;
/** Kept lists that a quiet time saves up for a busy one. */
const CREDIT_LISTS_MAX = 8;
/** Users' lists that the time between two rounds of hot values saves up. */
const CREDIT_HOT_LISTS_MAX = 64;
const REASONS = RECOMMENDATION_REASONS.length;
const COMMA = 0x2c;
const CLOSE = 0x7d;
const SCORE_DECIMALS = 6;

const field = {
  userId: jsonFragment('{"userId":'),
  productId: jsonFragment('{"productId":'),
  modelVersion: jsonFragment(',"modelVersion":'),
  eventTime: jsonFragment(',"eventTime":'),
  items: jsonFragment(',"items":['),
  itemsEnd: jsonFragment("]}"),
  score: jsonFragment(',"score":'),
  reasons: jsonFragment(',"reasons":{'),
};
const reasonNames = RECOMMENDATION_REASONS.map((name) => jsonFragment(`${JSON.stringify(name)}:`));

/**
 * Knows each user's running visit and what the user bought, learns what goes together, and has lists
 * for users and products: in the hot store, for those whose visit changed, and in the lake, for a
 * sample of the visits that ended. Lists are made beside the events, a few at a time.
 */
export function createRecommendProducts(
  config: RecommendProductsConfig,
  deps: RecommendProductsDeps,
): RecommendProducts {
  const { keys, outputs, products } = deps;
  const hotCount = config.count + config.spareCount;
  const state = new StateSection("recommend-products");
  const looks = new SessionLooks(state, keys, config.sessionGapMs);
  /** Category of a product as the newest event that was learned from said. */
  const seenCategory = state.int32("seen-category", NONE);
  const online = deps.createOnline(state, categoryOf);
  const { slot } = deps;
  const listsOf = (model: () => VisitRecommender): RecommendationLists =>
    new RecommendationLists({ keys, online, categoryOf, model });
  const lists = listsOf(() => slot.models.champion);
  const challengerLists = listsOf(() => slot.models.challenger ?? slot.models.champion);
  const monitor = new RecommendationMonitor(config.monitor, { ...deps, lists, challengerLists }, slot.models);
  /** Events that were not spent on learning, and on kept lists. */
  let learnCredit = config.learnLooksMax * config.eventsALearnedLook;
  let keepCredit = 0;
  state.blob = jsonBlob(
    () => ({ learnCredit, keepCredit }),
    (saved) => {
      ({ learnCredit, keepCredit } = saved);
    },
  );

  /** Users whose list is out of date. No state: their next look brings them back. */
  const changed = new SlotSet();
  let hasNewEvents = false;
  const listCreditMax = Math.max(CREDIT_HOT_LISTS_MAX, config.listsAFlushMax) * config.eventsAList;
  let listCredit = 0;
  let newestMs = Number.NEGATIVE_INFINITY;
  /** Event time at which a product's list was written, by product. */
  const similarWrittenMs: number[] = [];
  const visit = new Int32Array(LOOKS_MAX);
  const bought = new Int32Array(BOUGHT_MAX);

  const rows = outputs.openRows(goldRecommendations, { user_id: keys.userId });
  const out = {
    userId: rows.key("user_id"),
    visitEnd: rows.float64("visit_end"),
    rank: rows.int32("rank"),
    productId: rows.text("product_id"),
    score: rows.float64("score"),
    reasons: rows.text("reasons"),
    modelVersion: rows.text("model_version"),
  };

  function categoryOf(product: number): number {
    const version = products.versionAt(product, Number.POSITIVE_INFINITY);
    const named = version === NONE ? NONE : products.categoryOf(version);
    if (named !== NONE) return named;
    return product < seenCategory.length ? seenCategory.values[product] : NONE;
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    const users = batch.userId.ids;
    const slots = looks.ensure();
    monitor.follow(slot.models);
    online.ensure(keys.productId.size);
    seenCategory.ensure(keys.productId.size);
    hasNewEvents = true;
    listCredit = Math.min(listCredit + to - from, listCreditMax);
    keepCredit = Math.min(keepCredit + to - from, CREDIT_LISTS_MAX * config.eventsAKeptList);
    const learnCreditMax = config.learnLooksMax * config.eventsALearnedLook;
    for (let row = from; row < to; row++) {
      if ((row - from) % TOUCH_ROWS === 0)
        touchSlots(slots, users, row, Math.min(row + TOUCH_ROWS, to), 1 << LOOKS_SHIFT);
      if (learnCredit < learnCreditMax) learnCredit++;
      const look = looks.fold(batch, row);
      if (look === Look.none) continue;
      const user = users[row];
      changed.add(user);
      if (look === Look.purchase) continue;
      newestMs = Math.max(newestMs, batch.eventTime.values[row]);
      // Before anything is learned from the look.
      if (look === Look.next && monitor.isSample(batch.eventTime.values[row])) judgeList(batch, row, user);
      if (learnCredit >= config.eventsALearnedLook) learn(batch, row, user);
    }
  }

  function learn(batch: CustomerEventBatch, row: number, user: number): void {
    learnCredit -= config.eventsALearnedLook;
    const product = batch.productId.ids[row];
    const category = batch.categoryId.ids[row];
    if (category >= 0) {
      seenCategory.values[product] = category;
      seenCategory.dirty[product >>> PAGE_SHIFT] = 1;
    }
    online.learn(visit, looks.read(user, visit), batch.eventTime.values[row]);
  }

  /** Holds the list that the user had before a look against it; a list never shows what is looked at. */
  function judgeList(batch: CustomerEventBatch, row: number, user: number): void {
    const length = looks.read(user, visit) - 1;
    const product = visit[length];
    if (length < 1 || visit[length - 1] === product) return;
    monitor.judge({
      request: { visit, length, count: config.count, allows: allowedFor(user, length) },
      productId: keys.productId.text(product),
      source: {
        entity: keys.userId.text(user),
        eventTime: batch.eventTime.values[row],
        partition: batch.partition,
        offset: batch.offset[row],
      },
    });
  }

  /** What may be shown for the visit that was read: not what was bought or is looked at, nor what cannot be bought. */
  function allowedFor(user: number, length: number): (product: number) => boolean {
    const purchases = looks.readBought(user, bought);
    return (product) => {
      if (product === NONE) return true;
      if (length > 0 && product === visit[length - 1]) return false;
      for (let k = 0; k < purchases; k++) if (bought[k] === product) return false;
      return products.isActive(product);
    };
  }

  function listFor(user: number, count: number): NamedList {
    const length = looks.read(user, visit);
    return lists.forVisit({ visit, length, count, allows: allowedFor(user, length) });
  }

  function endSession(user: number, startMs: number, endMs: number): void {
    if (keepCredit < config.eventsAKeptList || looks.looks(user) === 0) return;
    const lastMs = looks.lastMs(user);
    if (lastMs < startMs || lastMs > endMs) return;
    keepCredit -= config.eventsAKeptList;
    const named = listFor(user, config.count);
    for (let rank = 0; rank < named.list.count; rank++) {
      const r = rows.next();
      out.userId.ids[r] = user;
      out.visitEnd.values[r] = lastMs;
      out.rank.values[r] = rank + 1;
      rows.setText(out.productId, r, named.productId(rank));
      out.score.values[r] = named.list.scores[rank];
      rows.setText(out.reasons, r, reasonsText(named, rank));
      rows.setText(out.modelVersion, r, named.modelVersion);
    }
  }

  function flushHot(hot: HotOutputs): boolean {
    const earned = hasNewEvents ? Math.floor(listCredit / config.eventsAList) : config.listsAFlushMax;
    const users = changed.take(Math.min(earned, config.listsAFlushMax));
    listCredit = Math.max(0, listCredit - users.length * config.eventsAList);
    if (users.length > 0) {
      const batch = hot.namespace(HotNamespace.recommendations, config.hotTtlMs);
      for (const user of users) writeUserList(user, batch);
      const ofProducts = hot.namespace(HotNamespace.similarProducts, config.hotTtlMs);
      for (const user of users) writeSimilar(user, ofProducts);
    }
    // While events come, their turn comes first: what waits is written with the next flush.
    const writeOn = !hasNewEvents && changed.size > 0;
    hasNewEvents = false;
    return writeOn;
  }

  function markHot(from: number, to: number): void {
    if (from === 0) similarWrittenMs.length = 0;
    const usersEnd = Math.min(to, looks.ensure().length >>> LOOKS_SHIFT);
    for (let user = from; user < usersEnd; user++) {
      if (looks.looks(user) === 0) continue;
      // A task that was restored and has had no event yet does not know it.
      newestMs = Math.max(newestMs, looks.lastMs(user));
      if (newestMs - looks.lastMs(user) < config.hotTtlMs) changed.add(user);
    }
  }

  function writeUserList(user: number, batch: HotBatchWriter): void {
    const named = listFor(user, hotCount);
    batch.out.copy(keys.userId.heap, keys.userId.start(user), keys.userId.ends[user]);
    batch.value();
    batch.out.raw(field.userId);
    batch.out.key(keys.userId, user);
    writeList(named, looks.looks(user) === 0 ? newestMs : looks.lastMs(user), batch);
  }

  /** Lists of the products of the visit, those that are in the first half of their life left out. */
  function writeSimilar(user: number, batch: HotBatchWriter): void {
    const length = looks.read(user, visit);
    for (let k = 0; k < length; k++) {
      const product = visit[k];
      if (newestMs - (similarWrittenMs[product] ?? Number.NEGATIVE_INFINITY) < config.hotTtlMs / 2) continue;
      similarWrittenMs[product] = newestMs;
      const { productId } = keys;
      batch.out.copy(productId.heap, productId.start(product), productId.ends[product]);
      batch.value();
      batch.out.raw(field.productId);
      batch.out.key(productId, product);
      writeList(lists.similarTo(product, hotCount), newestMs, batch);
    }
  }

  function writeList(named: NamedList, eventTime: number, batch: HotBatchWriter): void {
    const { out: json } = batch;
    json.raw(field.modelVersion);
    json.text(JSON.stringify(named.modelVersion));
    json.raw(field.eventTime);
    json.integer(eventTime);
    json.raw(field.items);
    for (let rank = 0; rank < named.list.count; rank++) {
      if (rank > 0) json.byte(COMMA);
      json.raw(field.productId);
      json.text(JSON.stringify(named.productId(rank)));
      json.raw(field.score);
      json.decimal(named.list.scores[rank], SCORE_DECIMALS);
      writeReasons(named, rank, json);
      json.byte(CLOSE);
    }
    json.raw(field.itemsEnd);
    batch.end();
  }

  return {
    name: "recommend-products",
    state,
    process,
    advance: (progress: Progress) => monitor.advance(progress),
    afterRestore: () => monitor.afterRestore(),
    endSession,
    flushHot,
    healthState: monitor.state,
    status: () => monitor.status(),
    markHot,
  };
}

/** The parts of a score that are not 0. */
function writeReasons({ list }: NamedList, rank: number, json: JsonWriter): void {
  json.raw(field.reasons);
  for (let k = 0, written = 0; k < REASONS; k++) {
    const part = list.reasons[rank * REASONS + k];
    if (part === 0) continue;
    if (written++ > 0) json.byte(COMMA);
    json.raw(reasonNames[k]);
    json.decimal(part, SCORE_DECIMALS);
  }
  json.byte(CLOSE);
}

function reasonsText({ list }: NamedList, rank: number): string {
  const parts = RECOMMENDATION_REASONS.map(
    (name, k) => [name, list.reasons[rank * REASONS + k]] as const,
  ).filter(([, part]) => part !== 0);
  return JSON.stringify(Object.fromEntries(parts));
}
