import { type KeyDictionary, PAGE_SHIFT, type StateSection } from "../../schema/index.ts";
import { type JsonWriter, jsonFragment } from "../sinks/json-writer.ts";
import { SORTED_AT_ONCE_MAX, SortedViews } from "./sorted-views.ts";
import { TOUCH_ROWS, touched, touchSlots } from "./touch-slots.ts";

export interface RecentViewsConfig {
  /** How far back a user's activity reaches from the user's newest event, ms. */
  readonly recentMs: number;
  /** Most views listed. */
  readonly listMax: number;
  readonly outOfOrdernessMs: number;
}

/** A user's place in the ring: newest and oldest entry, number of entries between, late ones of them. */
const HEAD = 0;
const OLDEST = 1;
const COUNT = 2;
const LATE = 3;
const LATE_BIT = 0x80;
const RING_MIN = 4096;
/**
 * Fields of an entry, half a cache line: time (2^30 × high + low), product, kind, user, links in the user's chain.
 * The link to the next one is not state, or each view would put the page of another into the next checkpoint.
 */
const TIME_HIGH = 0;
const TIME_LOW = 1;
const PRODUCT = 2;
const KIND = 3;
const USER = 4;
const PREVIOUS = 5;
const NEXT = 6;
const ENTRY_SHIFT = 3;
/** Entries that one call links: a thread that restores is new, and enters optimised code by calls only. */
const LINKED_ENTRIES = 1024;
/** Entries whose users' chains are read ahead when entries leave. */
const TOUCH_ENTRIES = 256;
const TIME_UNIT = 2 ** 30;
/** Views from which on a user's are kept sorted, where they are looked at within this event time again. */
const SORTED_FROM = 1024;
const SORTED_WITHIN_MS = 2_000;
const VIEWS = jsonFragment('{"views5m":');
const EVENT_TIME = jsonFragment(',"eventTime":');
const RECENT = jsonFragment(',"recent":[');
const CLOSE = jsonFragment("]}");
const NULL = jsonFragment("null");
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/**
 * The views of the last minutes of all users, in one ring in log order; the views of one user are
 * chained in both directions. Entries are named by a running 32-bit number whose low bits are the
 * place, so links survive the growth of the ring. Order in a chain is the log's: where event-time order
 * is needed, it looks as far back as the out-of-orderness allows.
 */
export class RecentViews {
  private readonly config: RecentViewsConfig;
  private readonly productIds: KeyDictionary;
  private readonly entries;
  /** (begin, end) of the ring as entry numbers, and its capacity. */
  private readonly numbers;
  private readonly chains;
  private readonly newest;
  /** The views that {@link collectNewest} found. */
  private readonly listTimes: Float64Array;
  private readonly listEntries: Int32Array;
  private listed = 0;
  /** Of users with many views: none of it is state, it is made of the chains when it is asked for. */
  private readonly sorted = new Map<number, SortedViews>();
  /** Entries that {@link touchViews} has come to. */
  private readonly reached = new Int32Array(TOUCH_ROWS);

  constructor(section: StateSection, productIds: KeyDictionary, config: RecentViewsConfig) {
    this.config = config;
    this.productIds = productIds;
    this.entries = section.int32("view-entries");
    this.entries.live = () => this.liveElements();
    this.numbers = section.int32("view-ring");
    this.numbers.ensure(3);
    this.chains = section.int32("user-chains");
    this.newest = section.float64("user-newest-event");
    this.listTimes = new Float64Array(config.listMax);
    this.listEntries = new Int32Array(config.listMax);
    this.setCapacity(RING_MIN);
  }

  ensureUsers(users: number): void {
    this.chains.ensure(users * 4);
    this.newest.ensure(users);
  }

  afterRestore(): void {
    const [begin, end] = this.numbers.values;
    const count = (end - begin) | 0;
    for (let i = 0; i < count; i += LINKED_ENTRIES)
      this.linkNext((begin + i) | 0, Math.min(LINKED_ENTRIES, count - i));
  }

  /** Reads the places of the users of rows [from, to) ahead of {@link add}. */
  touch(users: Int32Array, from: number, to: number): void {
    touchSlots(this.chains.values, users, from, to, 4);
    touchSlots(this.newest.values, users, from, to, 1);
    const mask = this.numbers.values[2] - 1;
    const { values: entries } = this.entries;
    const { values: chains } = this.chains;
    let sum = 0;
    for (let row = from; row < to; row++)
      sum ^= entries[((chains[(users[row] << 2) + HEAD] & mask) << ENTRY_SHIFT) + NEXT];
    touched.sum = sum;
  }

  /** Reads the views of `users[from, to)` ahead of {@link write}, a step of all chains at a time. */
  touchViews(users: Int32Array, from: number, to: number): void {
    this.touch(users, from, to);
    const mask = this.numbers.values[2] - 1;
    const { values: entries } = this.entries;
    const { values: chains } = this.chains;
    const { reached } = this;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const chain = users[i] << 2;
      reached[i - from] = chains[chain + HEAD];
      sum ^= entries[(chains[chain + OLDEST] & mask) << ENTRY_SHIFT];
    }
    for (let step = 0, more = true; more && step < this.config.listMax; step++) {
      more = false;
      for (let i = from; i < to; i++) {
        if (chains[(users[i] << 2) + COUNT] <= step) continue;
        more = true;
        reached[i - from] = entries[((reached[i - from] & mask) << ENTRY_SHIFT) + PREVIOUS];
      }
    }
    touched.sum = sum;
  }

  add(user: number, time: number, kind: number, product: number, late: boolean): void {
    if (((this.numbers.values[1] - this.numbers.values[0]) | 0) === this.numbers.values[2]) this.grow();
    const entry = this.numbers.values[1];
    this.numbers.values[1] = (entry + 1) | 0;
    this.numbers.dirty[0] = 1;
    const mask = this.numbers.values[2] - 1;
    const at = (entry & mask) << ENTRY_SHIFT;
    const { values, dirty } = this.entries;
    const high = Math.floor(time / TIME_UNIT);
    values[at + TIME_HIGH] = high;
    values[at + TIME_LOW] = time - high * TIME_UNIT;
    values[at + PRODUCT] = product;
    values[at + KIND] = late ? kind | LATE_BIT : kind;
    values[at + USER] = user;
    dirty[at >>> PAGE_SHIFT] = 1;
    this.link(user, entry, mask);
    const chain = user << 2;
    const { values: chains } = this.chains;
    chains[chain + COUNT] += 1;
    if (late) chains[chain + LATE] += 1;
    this.chains.dirty[chain >>> PAGE_SHIFT] = 1;
  }

  /** Notes an event of any kind: the user's activity is told as of the newest one. */
  noteEvent(user: number, time: number): void {
    if (time <= this.newest.values[user]) return;
    this.newest.values[user] = time;
    this.newest.dirty[user >>> PAGE_SHIFT] = 1;
  }

  /** Event time of the user's newest event, 0 where there is none. */
  newestOf(user: number): number {
    return this.newest.values[user];
  }

  isKnown(user: number): boolean {
    return user < this.newest.length && this.newest.values[user] > 0;
  }

  /** Makes the user one without events. */
  forget(user: number): void {
    this.newest.values[user] = 0;
    this.newest.mark(user);
    const chain = user << 2;
    this.chains.values[chain + COUNT] = 0;
    this.chains.values[chain + LATE] = 0;
    this.chains.mark(chain);
    this.sorted.delete(user);
  }

  /** Removes entries older than `beforeMs`; calls back first where one is still part of its user's activity. */
  evict(beforeMs: number, losing: (user: number) => void): void {
    const numbers = this.numbers.values;
    const mask = numbers[2] - 1;
    for (let visited = 0; numbers[0] !== numbers[1]; visited++) {
      const entry = numbers[0];
      if (visited % TOUCH_ENTRIES === 0) this.touchOwners(entry, mask);
      const time = this.timeOf(entry, mask);
      if (time >= beforeMs) break;
      const user = this.entries.values[((entry & mask) << ENTRY_SHIFT) + USER];
      const chain = user << 2;
      if (this.chains.values[chain + COUNT] > 0 && this.chains.values[chain + OLDEST] === entry) {
        if (time > this.newest.values[user] - this.config.recentMs) {
          losing(user);
          this.sorted.delete(user);
        }
        this.dropOldest(user, mask);
      }
      numbers[0] = (entry + 1) | 0;
    }
    this.numbers.mark(0);
  }

  /** The user's `UserActivityRecord` as JSON; `eventTypes` are JSON strings by code. */
  write(user: number, eventTypes: readonly Uint8Array[], out: JsonWriter): void {
    const mask = this.numbers.values[2] - 1;
    const newest = this.newest.values[user];
    const cutoff = newest - this.config.recentMs;
    this.expire(user, cutoff, mask);
    const sorted = this.sortedOf(user, newest, mask);
    const views = sorted?.dropUntil(cutoff) ?? this.countAfter(user, cutoff, mask);
    if (sorted === null) this.collectNewest(user, cutoff, mask);
    else this.listed = sorted.newest(this.listTimes, this.listEntries);
    out.raw(VIEWS);
    out.integer(views);
    out.raw(EVENT_TIME);
    out.integer(newest);
    out.raw(RECENT);
    for (let i = 0; i < this.listed; i++) {
      const at = (this.listEntries[i] & mask) << ENTRY_SHIFT;
      const product = this.entries.values[at + PRODUCT];
      if (i > 0) out.byte(COMMA);
      out.byte(OPEN_LIST);
      out.integer(this.listTimes[i]);
      out.byte(COMMA);
      out.raw(eventTypes[this.entries.values[at + KIND] & ~LATE_BIT]);
      out.byte(COMMA);
      if (product < 0) out.raw(NULL);
      else out.key(this.productIds, product);
      out.byte(CLOSE_LIST);
    }
    out.raw(CLOSE);
  }

  private touchOwners(first: number, mask: number): void {
    const { values } = this.entries;
    const { values: chains } = this.chains;
    let sum = 0;
    for (let i = 0; i < TOUCH_ENTRIES; i++) {
      sum ^= chains[values[(((first + i) & mask) << ENTRY_SHIFT) + USER] << 2];
    }
    touched.sum = sum;
  }

  private timeOf(entry: number, mask: number): number {
    const at = (entry & mask) << ENTRY_SHIFT;
    return this.entries.values[at + TIME_HIGH] * TIME_UNIT + this.entries.values[at + TIME_LOW];
  }

  private link(user: number, entry: number, mask: number): void {
    const { values: chains } = this.chains;
    const { values } = this.entries;
    const chain = user << 2;
    const isFirst = chains[chain + COUNT] === 0;
    const before = isFirst ? entry : chains[chain + HEAD];
    values[((entry & mask) << ENTRY_SHIFT) + PREVIOUS] = before;
    if (isFirst) chains[chain + OLDEST] = entry;
    else values[((before & mask) << ENTRY_SHIFT) + NEXT] = entry;
    chains[chain + HEAD] = entry;
  }

  /** Makes the links to the next ones of those to the ones before, for entries from the given one on. */
  private linkNext(from: number, count: number): void {
    const [begin, , capacity] = this.numbers.values;
    const mask = capacity - 1;
    const { values } = this.entries;
    for (let i = 0; i < count; i++) {
      const entry = (from + i) | 0;
      const before = values[((entry & mask) << ENTRY_SHIFT) + PREVIOUS];
      // The first of a chain names itself, and what the ring has lost may be in the place of another.
      if (before !== entry && ((before - begin) | 0) >= 0)
        values[((before & mask) << ENTRY_SHIFT) + NEXT] = entry;
    }
  }

  /** The entries of the ring as ranges of elements. */
  private liveElements(): readonly (readonly [from: number, to: number])[] {
    const [begin, end, capacity] = this.numbers.values;
    const from = begin & (capacity - 1);
    const to = from + ((end - begin) | 0);
    const ranges = [
      [from, Math.min(to, capacity)],
      [0, Math.max(0, to - capacity)],
    ] as const;
    return ranges.map(([first, last]) => [first << ENTRY_SHIFT, last << ENTRY_SHIFT]);
  }

  private dropOldest(user: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    const at = (chains[chain + OLDEST] & mask) << ENTRY_SHIFT;
    if ((this.entries.values[at + KIND] & LATE_BIT) !== 0) chains[chain + LATE] -= 1;
    chains[chain + OLDEST] = this.entries.values[at + NEXT];
    chains[chain + COUNT] -= 1;
    if (chains[chain + COUNT] === SORTED_FROM / 2) this.sorted.delete(user);
    this.chains.mark(chain);
  }

  private expire(user: number, cutoff: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    while (chains[chain + COUNT] > 0 && this.timeOf(chains[chain + OLDEST], mask) <= cutoff) {
      this.dropOldest(user, mask);
    }
  }

  /** The user's views sorted, up to now; null where a walk over the chain is as good. */
  private sortedOf(user: number, newestMs: number, mask: number): SortedViews | null {
    const views = this.chains.values[(user << 2) + COUNT];
    if (views < SORTED_FROM || views > SORTED_AT_ONCE_MAX) return null;
    const sorted = this.sorted.get(user) ?? new SortedViews(Number.NEGATIVE_INFINITY);
    const isDue = sorted.last !== null || newestMs - sorted.lookedAtMs <= SORTED_WITHIN_MS;
    sorted.lookedAtMs = newestMs;
    this.sorted.set(user, sorted);
    if (!isDue) return null;
    const times: number[] = [];
    const entries: number[] = [];
    let entry = this.chains.values[(user << 2) + HEAD];
    for (let left = views; left > 0 && entry !== sorted.last; left--) {
      times.push(this.timeOf(entry, mask));
      entries.push(entry);
      entry = this.entries.values[((entry & mask) << ENTRY_SHIFT) + PREVIOUS];
    }
    sorted.add(times.reverse(), entries.reverse());
    return sorted;
  }

  /** Entries after the cutoff; those before it can only lie near the old end, unless some came late. */
  private countAfter(user: number, cutoff: number, mask: number): number {
    const { values: chains } = this.chains;
    const chain = user << 2;
    const sorted = chains[chain + LATE] === 0;
    let views = chains[chain + COUNT];
    let entry = chains[chain + OLDEST];
    for (let left = views; left > 0; left--) {
      const time = this.timeOf(entry, mask);
      if (time <= cutoff) views -= 1;
      else if (sorted && time > cutoff + this.config.outOfOrdernessMs) break;
      entry = this.entries.values[((entry & mask) << ENTRY_SHIFT) + NEXT];
    }
    return views;
  }

  /** The newest entries by event time, of equal times the one that came last first. */
  private collectNewest(user: number, cutoff: number, mask: number): void {
    const { listMax, outOfOrdernessMs } = this.config;
    const chain = user << 2;
    const { listTimes: times, listEntries: entries } = this;
    let listed = 0;
    let entry = this.chains.values[chain + HEAD];
    for (let left = this.chains.values[chain + COUNT]; left > 0; left--) {
      const at = (entry & mask) << ENTRY_SHIFT;
      const time = this.timeOf(entry, mask);
      const late = (this.entries.values[at + KIND] & LATE_BIT) !== 0;
      if (listed === listMax && !late && time + outOfOrdernessMs < times[listMax - 1]) break;
      if (time > cutoff && (listed < listMax || time > times[listMax - 1])) {
        let place = Math.min(listed, listMax - 1);
        for (; place > 0 && times[place - 1] < time; place--) {
          times[place] = times[place - 1];
          entries[place] = entries[place - 1];
        }
        times[place] = time;
        entries[place] = entry;
        if (listed < listMax) listed++;
      }
      entry = this.entries.values[at + PREVIOUS];
    }
    this.listed = listed;
  }

  private setCapacity(capacity: number): void {
    this.entries.ensure(capacity << ENTRY_SHIFT);
    this.numbers.values[2] = capacity;
    this.numbers.mark(0);
  }

  private grow(): void {
    const old = this.numbers.values[2];
    this.setCapacity(old * 2);
    const [begin, end] = this.numbers.values;
    const { values } = this.entries;
    for (let entry = begin; entry !== end; entry = (entry + 1) | 0) {
      const from = (entry & (old - 1)) << ENTRY_SHIFT;
      const to = (entry & (old * 2 - 1)) << ENTRY_SHIFT;
      if (from !== to) values.copyWithin(to, from, from + (1 << ENTRY_SHIFT));
    }
    this.entries.markRange(0, old << (ENTRY_SHIFT + 1));
  }
}
