import {
  type CustomerEventBatch,
  customerEventContract,
  goldPageViewsByUser,
  PAGE_SHIFT,
  RowFlag,
  StateSection,
} from "../../schema/index.ts";
import type { Operator, Progress } from "../runtime/operator.ts";
import { jsonFragment } from "../sinks/json-writer.ts";
import type { TimeConfig } from "../time/index.ts";
import { EventKind, eventKindTable } from "./event-kinds.ts";
import { FrozenParts } from "./frozen-parts.ts";
import type { UserOperatorDeps } from "./operator-keys.ts";
import { RecentViews } from "./recent-views.ts";
import { RevisionTable } from "./revision-table.ts";
import { TOUCH_ROWS, touchSlots } from "./touch-slots.ts";
import { type PaneReader, UserPanes } from "./user-panes.ts";

export interface PageViewsByUserConfig {
  readonly windowMs: number;
  /** Windows begin at its multiples; divides `windowMs`. */
  readonly advanceMs: number;
  /** How far a user's recent views reach back from the user's newest event, ms. */
  readonly recentMs: number;
  /** Most recent views listed in the hot record. */
  readonly recentMax: number;
}

/** Short name of the same. */
export type PageViewsConfig = PageViewsByUserConfig;

export const defaultPageViewsByUserConfig: PageViewsByUserConfig = {
  windowMs: 60_000,
  advanceMs: 30_000,
  recentMs: 300_000,
  recentMax: 20,
};

/** Rows of one call, so that there are many calls: it is by calls that optimised code is entered. */
const ROWS_AT_ONCE = 4096;
const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const EVENT_TYPES = (customerEventContract.fields[1].symbols ?? []).map((type) => jsonFragment(`"${type}"`));

/**
 * Page and item views per user in hopping windows (gold.page_views_by_user) and the user's recent
 * views (`activity` in the user's hot record, as of the user's newest event).
 */
export function createPageViewsByUser(
  config: PageViewsByUserConfig,
  deps: UserOperatorDeps & { readonly time: TimeConfig },
): Operator<CustomerEventBatch> {
  const { windowMs, advanceMs, recentMs } = config;
  const { keys, outputs, time, userRecords } = deps;
  const userIds = keys.userId;
  const state = new StateSection("page-views-by-user");
  const liveMs = time.outOfOrdernessMs + time.allowedLatenessMs + time.tickMs;
  const panes = new UserPanes(state, { windowMs, advanceMs, liveMs });
  const recent = new RecentViews(state, keys.productId, {
    recentMs,
    listMax: config.recentMax,
    outOfOrdernessMs: time.outOfOrdernessMs,
  });
  /** Windows that end here or before were reported; the watermark of the last advance. */
  const reported = state.float64("reported-until");
  reported.ensure(2);
  reported.values.fill(Number.NEGATIVE_INFINITY, 0, 2);
  reported.mark(0);
  const revisions = new RevisionTable(state, "corrections");

  const rows = outputs.openRows(goldPageViewsByUser, { user_id: userIds });
  const out = {
    windowStart: rows.float64("window_start"),
    windowEnd: rows.float64("window_end"),
    userId: rows.key("user_id"),
    views: rows.int32("views"),
    revision: rows.int32("revision"),
  };

  /** Activity of users whose views left the ring before their record was written. */
  const frozen = new FrozenParts();
  /** Users of whom nothing is told until their next event, which looks back on what the ring still has. */
  const unkept = new Set<number>();
  userRecords.addPart({
    name: "activity",
    has: (user) => frozen.has(user) || (recent.isKnown(user) && !unkept.has(user)),
    readAhead: (users, from, to) => recent.touchViews(users, from, to),
    forgetUnkept(user) {
      // The ring has lost views that the record of a user who has been quiet looks back on.
      const keptFrom = reported.values[1] - time.allowedLatenessMs;
      if (recent.isKnown(user) && recent.newestOf(user) < keptFrom) unkept.add(user);
    },
    write(user, out) {
      if (frozen.has(user)) {
        frozen.copyTo(user, out);
        frozen.drop(user);
      } else recent.write(user, EVENT_TYPES, out);
    },
  });

  function emitRow(user: number, windowEnd: number, views: number, revision: number): void {
    const row = rows.next();
    out.windowStart.values[row] = windowEnd - windowMs;
    out.windowEnd.values[row] = windowEnd;
    out.userId.ids[row] = user;
    out.views.values[row] = views;
    out.revision.values[row] = revision;
  }

  let reportedEnd = 0;
  function emitFirst(user: number, views: number): void {
    emitRow(user, reportedEnd, views, 1);
  }

  /** The window that was reported last, of which not every user has a row yet. */
  let reporting: PaneReader | null = null;
  function emitSome(rowsMax: number): boolean {
    for (let left = rowsMax; reporting !== null && left > 0; left -= ROWS_AT_ONCE)
      if (!reporting(emitFirst, Math.min(left, ROWS_AT_ONCE))) reporting = null;
    return reporting !== null;
  }

  /** A late row, before it is counted: notes the windows that were reported without it. */
  function noteCorrections(user: number, pane: number): void {
    const last = Math.min(reported.values[0], pane * advanceMs + windowMs);
    for (let end = (pane + 1) * advanceMs; end <= last; end += advanceMs) {
      const had = panes.sum(user, (end - windowMs) / advanceMs, end / advanceMs) > 0;
      revisions.touch(user, end, had);
    }
  }

  function ensureUsers(): void {
    panes.counts.ensure(userIds.size * panes.places);
    recent.ensureUsers(userIds.size);
  }

  function process(batch: CustomerEventBatch, from: number, to: number, { closeMs }: Progress): void {
    ensureUsers();
    const kinds = eventKindTable(batch.eventType);
    const { flags } = batch;
    const codes = batch.eventType.codes;
    const times = batch.eventTime.values;
    const users = batch.userId.ids;
    const products = batch.productId.ids;
    const { values: counts, dirty } = panes.counts;
    const { places } = panes;
    let start = 0;
    let end = 0;
    let place = 0;
    for (let row = from; row < to; row++) {
      if ((row - from) % TOUCH_ROWS === 0) {
        const rowsEnd = Math.min(to, row + TOUCH_ROWS);
        touchSlots(counts, users, row, rowsEnd, places);
        recent.touch(users, row, rowsEnd);
      }
      if ((flags[row] & SKIPPED) !== 0) {
        if ((flags[row] & RowFlag.duplicate) === 0) noteTooLate(users[row], closeMs);
        continue;
      }
      const at = times[row];
      const user = users[row];
      recent.noteEvent(user, at);
      // The activity is made anew from the ring, which holds all that an event in time looks back on.
      frozen.drop(user);
      if (unkept.size > 0) unkept.delete(user);
      userRecords.mark(user);
      if (kinds[codes[row]] !== EventKind.view) continue;
      if (at < start || at >= end) {
        const pane = Math.floor(at / advanceMs);
        start = pane * advanceMs;
        end = start + advanceMs;
        // It may take the place of one that is being read.
        if (!panes.isOpen(pane)) emitSome(Number.POSITIVE_INFINITY);
        place = panes.openPane(pane);
      }
      const late = (flags[row] & RowFlag.late) !== 0;
      if (late) {
        emitSome(Number.POSITIVE_INFINITY);
        noteCorrections(user, start / advanceMs);
      }
      const slot = user * places + place;
      if (counts[slot]++ === 0) panes.addUser(place, user);
      dirty[slot >>> PAGE_SHIFT] = 1;
      recent.add(user, at, codes[row], products[row], late);
    }
  }

  /**
   * An event too late for windows still renews the user's record (its features count it). Views that
   * the ring has lost cannot be listed any more: such a user has no activity until the next event in time.
   */
  function noteTooLate(user: number, closeMs: number): void {
    // At the end of the input nothing was dropped.
    if (closeMs === Number.POSITIVE_INFINITY || recent.newestOf(user) >= closeMs) return;
    recent.forget(user);
    frozen.drop(user);
    userRecords.mark(user);
  }

  function reportWindows(watermarkMs: number): void {
    const range = panes.range();
    const due = Math.floor(watermarkMs / advanceMs) * advanceMs;
    if (range !== null) {
      const first = Math.max(reported.values[0] + advanceMs, (range.first + 1) * advanceMs);
      const last = Math.min(due, range.last * advanceMs + windowMs);
      for (let end = first; end <= last; end += advanceMs) {
        emitSome(Number.POSITIVE_INFINITY);
        reportedEnd = end;
        reporting = panes.read((end - windowMs) / advanceMs, end / advanceMs);
        reported.values[0] = end;
      }
    }
    if (Number.isFinite(due)) reported.values[0] = Math.max(reported.values[0], due);
    reported.mark(0);
  }

  function advance({ watermarkMs, closeMs }: Progress): void {
    // After a restore the runtime may repeat the last advance; corrections must wait for the next one.
    if (watermarkMs === reported.values[1]) return;
    if (Number.isFinite(watermarkMs)) reported.values[1] = watermarkMs;
    emitSome(Number.POSITIVE_INFINITY);
    revisions.takePending((user, end, revision) => {
      emitRow(user, end, panes.sum(user, (end - windowMs) / advanceMs, end / advanceMs), revision);
    });
    reportWindows(watermarkMs);
    // At the end of the input nothing is dropped: rows that come after it still correct what they hit.
    if (!Number.isFinite(closeMs)) return;
    if (reportedEnd <= closeMs) emitSome(Number.POSITIVE_INFINITY);
    panes.dropBefore(closeMs);
    revisions.dropBefore(closeMs + 1);
    recent.evict(closeMs - recentMs, freeze);
  }

  function freeze(user: number): void {
    // Of an unkept one the ring has a part only, which is not to be told, whatever else the record waits for.
    if (!userRecords.isMarked(user) || frozen.has(user) || unkept.has(user)) return;
    frozen.set(user, (out) => recent.write(user, EVENT_TYPES, out));
  }

  return {
    name: "page-views-by-user",
    state,
    process,
    advance,
    emitSome,
    afterRestore() {
      revisions.afterRestore();
      recent.afterRestore();
    },
  };
}
