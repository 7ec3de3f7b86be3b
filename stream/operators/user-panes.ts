import { PAGE_SHIFT, type SlotArray, type StateSection } from "../../schema/index.ts";
import { TOUCH_ROWS, touchSlots } from "./touch-slots.ts";

export interface UserPanesConfig {
  readonly windowMs: number;
  /** Windows begin at its multiples; divides `windowMs`. */
  readonly advanceMs: number;
  /** Event time that may be live at once beside a window: out-of-orderness + lateness + tick, ms. */
  readonly liveMs: number;
}

const NO_PANE = -1;

/** Calls back with the next users, about so many at most; whether there are more. */
export type PaneReader = (take: (user: number, sum: number) => void, usersMax: number) => boolean;

/**
 * Counts per user and pane (a pane is one advance of the hopping window). The panes of one user lie
 * side by side, so that an event touches one cache line and a window reads one; a list per pane names
 * the users that it counted. A dropped pane's place is used again by a later one.
 */
export class UserPanes {
  readonly places: number;
  readonly counts: SlotArray<Int32Array>;
  private readonly config: UserPanesConfig;
  private readonly users: SlotArray<Int32Array>[];
  /** (pane number, users) of each place. */
  private readonly panes: SlotArray<Float64Array>;

  constructor(section: StateSection, config: UserPanesConfig) {
    this.config = config;
    this.places = Math.ceil((config.windowMs + config.liveMs) / config.advanceMs) + 2;
    section.measure("windowMs", config.windowMs);
    section.measure("advanceMs", config.advanceMs);
    section.measure("panes for outOfOrdernessMs, allowedLatenessMs and tickMs", this.places);
    this.counts = section.int32("pane-counts");
    this.users = Array.from({ length: this.places }, (_, i) => section.int32(`pane-users-${i}`));
    this.panes = section.float64("panes");
    this.panes.ensure(this.places * 2);
    for (let place = 0; place < this.places; place++) this.panes.values[place * 2] = NO_PANE;
    this.panes.markRange(0, this.panes.length);
  }

  isOpen(pane: number): boolean {
    return this.panes.values[(pane % this.places) * 2] === pane;
  }

  /** The place of the pane, taken into use where it is not. */
  openPane(pane: number): number {
    const place = pane % this.places;
    const at = place * 2;
    if (this.panes.values[at] !== pane) {
      if (this.panes.values[at] !== NO_PANE) this.clear(place);
      this.panes.values[at] = pane;
      this.panes.mark(at);
    }
    return place;
  }

  /** Notes the first event of a user in the pane. */
  addUser(place: number, user: number): void {
    const list = this.users[place];
    const count = this.panes.values[place * 2 + 1];
    list.ensure(count + 1);
    list.values[count] = user;
    list.dirty[count >>> PAGE_SHIFT] = 1;
    this.panes.values[place * 2 + 1] = count + 1;
    this.panes.mark(place * 2 + 1);
  }

  /** Sum of a user's panes [from, to). */
  sum(user: number, from: number, to: number): number {
    const base = user * this.places;
    let sum = 0;
    for (let pane = from; pane < to; pane++) {
      const place = pane % this.places;
      if (this.panes.values[place * 2] === pane) sum += this.counts.values[base + place];
    }
    return sum;
  }

  /**
   * Every user of panes [from, to) once, with the sum; newest pane's users first. The panes may not change
   * until all were read.
   */
  read(from: number, to: number): PaneReader {
    const panes = this.panes.values;
    const open: number[] = [];
    for (let pane = to - 1; pane >= from; pane--) {
      const place = pane % this.places;
      if (panes[place * 2] === pane) open.push(place);
    }
    let pane = 0;
    let next = 0;
    return (take, usersMax) => {
      for (let left = usersMax; pane < open.length && left > 0; ) {
        const count = panes[open[pane] * 2 + 1];
        const end = Math.min(count, next + left);
        this.readUsers(open, pane, next, end, take);
        left -= end - next;
        next = end;
        if (next < count) continue;
        pane++;
        next = 0;
      }
      return pane < open.length;
    };
  }

  /** Users [from, to) of an open pane, those that are in a newer one left out. */
  private readUsers(
    open: readonly number[],
    pane: number,
    from: number,
    to: number,
    take: (user: number, sum: number) => void,
  ): void {
    const counts = this.counts.values;
    const users = this.users[open[pane]].values;
    for (let at = from; at < to; at++) {
      if ((at - from) % TOUCH_ROWS === 0)
        touchSlots(counts, users, at, Math.min(to, at + TOUCH_ROWS), this.places);
      const user = users[at];
      const base = user * this.places;
      let newer = 0;
      for (let j = 0; j < pane; j++) newer += counts[base + open[j]];
      if (newer > 0) continue;
      let sum = 0;
      for (let j = pane; j < open.length; j++) sum += counts[base + open[j]];
      take(user, sum);
    }
  }

  /** Lowest and highest pane in use, or null. */
  range(): { readonly first: number; readonly last: number } | null {
    let first = Number.POSITIVE_INFINITY;
    let last = NO_PANE;
    for (let place = 0; place < this.places; place++) {
      const pane = this.panes.values[place * 2];
      if (pane === NO_PANE) continue;
      first = Math.min(first, pane);
      last = Math.max(last, pane);
    }
    return last === NO_PANE ? null : { first, last };
  }

  /** Drops the panes of which every window has closed. */
  dropBefore(closeMs: number): void {
    const { windowMs, advanceMs } = this.config;
    for (let place = 0; place < this.places; place++) {
      const pane = this.panes.values[place * 2];
      if (pane !== NO_PANE && pane * advanceMs + windowMs <= closeMs) this.clear(place);
    }
  }

  private clear(place: number): void {
    const count = this.panes.values[place * 2 + 1];
    const { values: users } = this.users[place];
    const { values: counts, dirty } = this.counts;
    for (let i = 0; i < count; i++) {
      const at = users[i] * this.places + place;
      counts[at] = 0;
      dirty[at >>> PAGE_SHIFT] = 1;
    }
    this.users[place].length = 0;
    this.panes.values[place * 2] = NO_PANE;
    this.panes.values[place * 2 + 1] = 0;
    this.panes.mark(place * 2);
  }
}
