import {
  type CustomerEventBatch,
  customerEventContract,
  PAGE_SHIFT,
  RowFlag,
  StateSection,
  safeInteger,
  silverSessions,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import type { TimeConfig } from "../time/index.ts";
import { EventKind, eventKindTable } from "./event-kinds.ts";
import { OpenSessions } from "./open-sessions.ts";
import type { OperatorDeps } from "./operator-keys.ts";
import { PURCHASE_UNIT, SESSION_SHIFT, SessionField, SessionPool } from "./session-pool.ts";
import { TOUCH_ROWS, touchSlots } from "./touch-slots.ts";

export interface SessionizeConfig {
  /** A gap longer than this between consecutive events of a user begins a new session, ms. */
  readonly gapMs: number;
  /** Ended sessions are looked for in steps of this, ms. */
  readonly stepMs: number;
}

export const defaultSessionizeConfig: SessionizeConfig = { gapMs: 1_800_000, stepMs: 10_000 };

const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const EVENT_TYPES = customerEventContract.fields[1].symbols ?? [];
const { first: FIRST, last: LAST, revenue: REVENUE, events: EVENTS, views: VIEWS } = SessionField;
const { cartsAndPurchases: CARTS, entry: ENTRY, exit: EXIT } = SessionField;
const NONE = -1;

export interface Sessionize extends Operator<CustomerEventBatch> {
  /** For the steps behind it. */
  readonly sessions: OpenSessions;
}

/**
 * Visits of a user (silver.sessions), in event time and exact for any order of arrival: an event
 * joins the sessions that lie within the gap of it, and merges two that it bridges. A session is
 * written once, when no event that is still admitted can touch it. Of events with equal times the
 * one that came first is the entry and the one that came last the exit.
 */
export function createSessionize(
  config: SessionizeConfig,
  deps: OperatorDeps & {
    readonly time: TimeConfig;
    /** Called for each session, as it is written. */
    readonly onEnd?: (user: number, startMs: number, endMs: number) => void;
  },
): Sessionize {
  const { gapMs, stepMs } = config;
  const { keys, outputs, time, onEnd } = deps;
  const state = new StateSection("sessionize");
  const liveMs = time.outOfOrdernessMs + time.allowedLatenessMs + time.tickMs;
  const pool = new SessionPool(state, { gapMs, stepMs, liveMs });
  /** Open sessions of a user: -1 none, s ≥ 0 the only one, -2 - s the first of several. */
  const heads = state.int32("user-sessions", NONE);

  const sessions = new OpenSessions();
  const slots = new Int32Array(TOUCH_ROWS);
  const rows = outputs.openRows(silverSessions, {
    user_id: keys.userId,
    entry_product_id: keys.productId,
    exit_product_id: keys.productId,
  });
  const out = {
    sessionKey: rows.text("session_key"),
    userId: rows.key("user_id"),
    start: rows.float64("session_start"),
    end: rows.float64("session_end"),
    duration: rows.float64("duration_ms"),
    events: rows.int32("events"),
    pageViews: rows.int32("page_views"),
    cartAdds: rows.int32("cart_adds"),
    purchases: rows.int32("purchases"),
    revenue: rows.float64("revenue_minor"),
    converted: rows.boolean("converted"),
    entryType: rows.text("entry_event_type"),
    entryProduct: rows.key("entry_product_id"),
    exitType: rows.text("exit_event_type"),
    exitProduct: rows.key("exit_product_id"),
  };

  function setHead(user: number, value: number): void {
    heads.values[user] = value;
    heads.dirty[user >>> PAGE_SHIFT] = 1;
  }

  /** The sessions of a user as a list, in the order of the chain. */
  function sessionsOf(user: number): number[] {
    const head = heads.values[user];
    if (head >= NONE) return head === NONE ? [] : [head];
    const sessions: number[] = [];
    for (let s = -2 - head; s !== NONE; s = pool.next.values[s]) sessions.push(s);
    return sessions;
  }

  function setSessions(user: number, sessions: readonly number[]): void {
    for (const [i, session] of sessions.entries()) {
      pool.next.values[session] = sessions[i + 1] ?? NONE;
      pool.next.mark(session);
    }
    setHead(user, sessions.length === 0 ? NONE : sessions.length === 1 ? sessions[0] : -2 - sessions[0]);
  }

  function touches(session: number, at: number): boolean {
    const base = session << SESSION_SHIFT;
    return at >= pool.fields.values[base + FIRST] - gapMs && at <= pool.fields.values[base + LAST] + gapMs;
  }

  /** The session that an event at this time belongs to: created, or merged where it bridges two. */
  function findSession(user: number, at: number, row: number): number {
    const open = sessionsOf(user);
    const hit = open.filter((session) => touches(session, at));
    if (hit.length === 0) {
      const created = pool.create(user, at);
      setSessions(user, [...open, created]);
      return created;
    }
    for (const other of hit.slice(1)) {
      merge(hit[0], other);
      sessions.merges.push({ row, into: hit[0], from: other });
    }
    if (hit.length > 1) {
      const merged = hit.slice(1);
      setSessions(
        user,
        open.filter((session) => !merged.includes(session)),
      );
    }
    return hit[0];
  }

  function merge(into: number, from: number): void {
    const { values } = pool.fields;
    const a = into << SESSION_SHIFT;
    const b = from << SESSION_SHIFT;
    if (values[b + FIRST] < values[a + FIRST]) {
      values[a + FIRST] = values[b + FIRST];
      values[a + ENTRY] = values[b + ENTRY];
    }
    if (values[b + LAST] > values[a + LAST]) {
      values[a + LAST] = values[b + LAST];
      values[a + EXIT] = values[b + EXIT];
    }
    for (const sum of [REVENUE, EVENTS, VIEWS, CARTS]) values[a + sum] += values[b + sum];
    pool.abandon(from);
  }

  function touchSessions(users: Int32Array, from: number, to: number): void {
    const values = heads.values;
    for (let row = from; row < to; row++) slots[row - from] = values[users[row]];
    touchSlots(pool.fields.values, slots, 0, to - from, 1 << SESSION_SHIFT);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    heads.ensure(keys.userId.size);
    const kinds = eventKindTable(batch.eventType);
    const { flags } = batch;
    const codes = batch.eventType.codes;
    const times = batch.eventTime.values;
    const users = batch.userId.ids;
    const products = batch.productId.ids;
    sessions.begin(to);
    const { ofRow } = sessions;
    for (let row = from; row < to; row++) {
      if ((row - from) % TOUCH_ROWS === 0) touchSessions(users, row, Math.min(to, row + TOUCH_ROWS));
      if ((flags[row] & SKIPPED) !== 0) continue;
      const user = users[row];
      const at = times[row];
      const head = heads.values[user];
      const session = head >= 0 && touches(head, at) ? head : findSession(user, at, row);
      ofRow[row] = session;
      const { values, dirty } = pool.fields;
      const base = session << SESSION_SHIFT;
      dirty[base >>> PAGE_SHIFT] = 1;
      const kind = kinds[codes[row]];
      const mark = (products[row] + 1) * 256 + codes[row];
      if (at < values[base + FIRST] || values[base + EVENTS] === 0) {
        values[base + FIRST] = at;
        values[base + ENTRY] = mark;
      }
      if (at >= values[base + LAST]) {
        values[base + LAST] = at;
        values[base + EXIT] = mark;
      }
      values[base + EVENTS] += 1;
      if (kind === EventKind.view) values[base + VIEWS] += 1;
      else if (kind === EventKind.cartAdd) values[base + CARTS] += 1;
      else if (kind === EventKind.purchase) {
        values[base + CARTS] += PURCHASE_UNIT;
        values[base + REVENUE] += revenueOf(batch, row);
      }
    }
    sessions.slotCount = pool.users.length;
  }

  function emitSession(session: number): void {
    const base = session << SESSION_SHIFT;
    const { values } = pool.fields;
    const user = pool.users.values[session];
    const row = rows.next();
    const purchases = Math.floor(values[base + CARTS] / PURCHASE_UNIT);
    rows.setText(out.sessionKey, row, `${keys.userId.text(user)}:${values[base + FIRST]}`);
    out.userId.ids[row] = user;
    out.start.values[row] = values[base + FIRST];
    out.end.values[row] = values[base + LAST];
    out.duration.values[row] = values[base + LAST] - values[base + FIRST];
    out.events.values[row] = values[base + EVENTS];
    out.pageViews.values[row] = values[base + VIEWS];
    out.cartAdds.values[row] = values[base + CARTS] % PURCHASE_UNIT;
    out.purchases.values[row] = purchases;
    out.revenue.values[row] = values[base + REVENUE];
    out.converted.values[row] = purchases > 0 ? 1 : 0;
    rows.setText(out.entryType, row, EVENT_TYPES[values[base + ENTRY] % 256]);
    out.entryProduct.ids[row] = Math.floor(values[base + ENTRY] / 256) - 1;
    rows.setText(out.exitType, row, EVENT_TYPES[values[base + EXIT] % 256]);
    out.exitProduct.ids[row] = Math.floor(values[base + EXIT] / 256) - 1;
    onEnd?.(user, values[base + FIRST], values[base + LAST]);
    sessions.end(session);
    if (heads.values[user] >= 0) setHead(user, NONE);
    else
      setSessions(
        user,
        sessionsOf(user).filter((other) => other !== session),
      );
  }

  function advance({ closeMs }: Progress): void {
    pool.takeEnded(closeMs, emitSession);
  }

  return { name: "sessionize", state, process, advance, sessions };
}

/** Price × quantity (1 where it is absent) of a row, minor units, at most 2^53 - 1; 0 without a price. */
export function revenueOf(batch: CustomerEventBatch, row: number): number {
  const { priceMinor, quantity } = batch;
  if (priceMinor.valid !== null && priceMinor.valid[row] === 0) return 0;
  const units = quantity.valid !== null && quantity.valid[row] === 0 ? 1 : quantity.values[row];
  return safeInteger(priceMinor.values[row] * units);
}
