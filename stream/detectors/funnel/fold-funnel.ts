import { type CustomerEventBatch, type EnumColumn, RowFlag, StateSection } from "../../../schema/index.ts";
import { TOUCH_ROWS } from "../../operators/touch-slots.ts";
import { sourceName, WindowSums } from "../../operators/window-sums.ts";
import type { Detector, DetectorDeps } from "../detector.ts";
import { DAY_MS, FunnelSums, SESSION_BASIS, USER_BASIS } from "./funnel-sums.ts";
import { Journeys, JourneyView, NO_STEP, type RowMarks } from "./journeys.ts";
import { UserJourneys } from "./user-journeys.ts";

export interface FunnelConfig {
  readonly funnelWithinMs: number;
  readonly funnelCheckoutImplied: boolean;
  readonly funnelReportMs: number;
}

export const FUNNEL = "funnel";
export const FUNNEL_TOPIC = "customer-events";
/** What the first stage adds up before it sends. */
export const PANE_MS = 60_000;

const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const VIEW = 0;
const CHECKOUT = 2;
const PURCHASE = 3;
const STEP_OF: Readonly<Record<string, number>> = {
  page_view: VIEW,
  item_view: VIEW,
  cart_add: 1,
  checkout: CHECKOUT,
  purchase: PURCHASE,
};

/** First stage: journeys of sessions and of users, and what their changes add to the sums of their groups. */
export function foldFunnel(config: FunnelConfig, deps: DetectorDeps): Detector {
  const { keys, products, sessions, time, taskId } = deps;
  const state = new StateSection(FUNNEL);
  const source = sourceName(taskId, FUNNEL_TOPIC);
  const panes = new WindowSums(state, {
    channel: FUNNEL,
    source,
    width: 1,
    paneMs: PANE_MS,
    time,
    send: (bytes, sequence) => deps.sendBlock(source, bytes, sequence),
  });
  const sums = new FunnelSums(state, panes, keys);
  const ofSessions = new Journeys(state, "session", DAY_MS);
  const ofUsers = new Journeys(state, "user", config.funnelWithinMs);
  const users = new UserJourneys(state, ofUsers, config.funnelWithinMs);
  sessions.onEnd((session) => ofSessions.clear(session));

  const before = new JourneyView();
  const after = new JourneyView();
  const nothing = new JourneyView();
  const marks: RowMarks = { category: -1, device: -1, country: -1 };

  function categoryOf(batch: CustomerEventBatch, row: number): number {
    const own = batch.categoryId.ids[row];
    if (own >= 0) return own;
    const version = products.versionAt(batch.productId.ids[row], batch.eventTime.values[row]);
    return version < 0 ? -1 : products.categoryOf(version);
  }

  function foldView(journeys: Journeys, journey: number, batch: CustomerEventBatch, row: number): void {
    marks.category = categoryOf(batch, row);
    marks.device = sums.deviceOf(batch.device, row);
    marks.country = sums.countryOf(batch.country, row);
    journeys.foldView(journey, batch.eventTime.values[row], marks);
  }

  /** Folds a row, which may change the journey. */
  function fold(
    basis: number,
    journey: number,
    batch: CustomerEventBatch,
    row: number,
    closeMs: number,
  ): void {
    const journeys = basis === USER_BASIS ? ofUsers : ofSessions;
    const at = batch.eventTime.values[row];
    const step = steps[batch.eventType.codes[row]];
    journeys.read(journey, before);
    if (step === VIEW) foldView(journeys, journey, batch, row);
    else {
      if (step === PURCHASE && config.funnelCheckoutImplied)
        journeys.foldStep(journey, CHECKOUT, at, closeMs);
      journeys.foldStep(journey, step, at, closeMs);
    }
    journeys.read(journey, after);
    if (step === VIEW && isBegun(before, after)) sums.begin(basis, after);
    else sums.change(basis, before, after, at);
  }

  /** Whether a row changes nothing: of most views and carts it is enough to see that. */
  function isKnown(journeys: Journeys, journey: number, step: number, at: number): boolean {
    if (step === VIEW) return journeys.isSettled(journey, at);
    if (!journeys.isTaken(journey, step, at)) return false;
    const impliesCheckout = step === PURCHASE && config.funnelCheckoutImplied;
    return !impliesCheckout || journeys.isTaken(journey, CHECKOUT, at);
  }

  function mergeSessions(into: number, from: number, at: number): void {
    ofSessions.read(from, before);
    ofSessions.read(into, other);
    ofSessions.merge(into, from);
    sums.change(SESSION_BASIS, before, nothing, at);
    ofSessions.read(into, after);
    sums.change(SESSION_BASIS, other, after, at);
  }
  const other = new JourneyView();

  let steps: Int8Array = new Int8Array(256);
  let symbols: readonly string[] = [];
  function readSteps(column: EnumColumn): void {
    if (column.symbols === symbols) return;
    symbols = column.symbols;
    steps = new Int8Array(256).fill(NO_STEP);
    for (const [code, symbol] of symbols.entries()) steps[code] = STEP_OF[symbol] ?? NO_STEP;
  }

  function process(batch: CustomerEventBatch, from: number, to: number, closeMs: number): void {
    readSteps(batch.eventType);
    users.ensureUsers(keys.userId.size);
    ofSessions.ensure(sessions.slotCount);
    const { flags } = batch;
    const { codes } = batch.eventType;
    const userIds = batch.userId.ids;
    const times = batch.eventTime.values;
    const { ofRow, merges } = sessions;
    let merged = 0;
    for (let row = from; row < to; row++) {
      if ((row - from) % TOUCH_ROWS === 0) {
        const end = Math.min(to, row + TOUCH_ROWS);
        ofSessions.touch(ofRow, row, end);
        users.touch(userIds, row, end);
      }
      while (merged < merges.length && merges[merged].row <= row) {
        const { into, from: part } = merges[merged++];
        mergeSessions(into, part, times[row]);
      }
      const step = steps[codes[row]];
      if (step === NO_STEP || (flags[row] & SKIPPED) !== 0) continue;
      const at = times[row];
      const session = ofRow[row];
      const journey = users.at(userIds[row], at);
      if (!isKnown(ofSessions, session, step, at)) fold(SESSION_BASIS, session, batch, row, closeMs);
      if (!isKnown(ofUsers, journey, step, at)) fold(USER_BASIS, journey, batch, row, closeMs);
    }
  }

  return {
    steps: {
      [FUNNEL_TOPIC]: {
        name: FUNNEL,
        state,
        process: (batch, from, to, progress) => process(batch, from, to, progress.closeMs),
        advance(progress) {
          panes.advance(progress);
          // At the end of the input nothing is forgotten: what comes after it may still belong to a journey.
          if (Number.isFinite(progress.closeMs)) users.forget(progress.closeMs);
        },
        emitSome: (rowsMax) => panes.emitSome(rowsMax),
      },
    },
    advanceTask: (taskTimeMs) => panes.advanceTask(taskTimeMs),
    markIdle: () => panes.markIdle(),
  };
}

/** Whether a journey was empty, and has a view now and nothing else. */
function isBegun(before: JourneyView, after: JourneyView): boolean {
  return before.times[0] === Number.POSITIVE_INFINITY && after.times[1] === Number.POSITIVE_INFINITY;
}
