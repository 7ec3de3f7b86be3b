import { type KeyDictionary, PAGE_SHIFT, type StateSection } from "../../schema/index.ts";
import { touched, touchSlots } from "./touch-slots.ts";

export interface RecentViewsConfig {
  /** How far back a user's record reaches from the user's newest view, ms. */
  readonly recentMs: number;
  /** Most views listed in a record. */
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
/** Fields of an entry, half a cache line: time (2^30 × high + low), product, kind, user, links in the user's chain. */
const TIME_HIGH = 0;
const TIME_LOW = 1;
const PRODUCT = 2;
const KIND = 3;
const USER = 4;
const PREVIOUS = 5;
const NEXT = 6;
const ENTRY_SHIFT = 3;
/** Entries whose users' chains are read ahead when entries leave. */
const TOUCH_ENTRIES = 256;
const TIME_UNIT = 2 ** 30;
/** Product texts kept as JSON; above it they are made anew. */
const PRODUCT_TEXTS_MAX = 100_000;

/**
 * The views of the last minutes of all users, in one ring in log order; the views of one user are
 * chained in both directions. Entries are named by a running 32-bit number whose low bits are the
 * place, so links survive the growth of the ring. Order in a chain is the log's: where a record
 * needs event-time order it looks as far back as the out-of-orderness allows.
 */
export class RecentViews {
  private readonly config: RecentViewsConfig;
  private readonly productIds: KeyDictionary;
  private readonly entries;
  /** (begin, end) of the ring as entry numbers, and its capacity. */
  private readonly numbers;
  private readonly chains;
  private readonly newest;
  private readonly productTexts = new Map<number, string>();
  private listTimes: number[] = [];
  private listEntries: number[] = [];

  constructor(section: StateSection, productIds: KeyDictionary, config: RecentViewsConfig) {
    this.config = config;
    this.productIds = productIds;
    this.entries = section.int32("view-entries");
    this.numbers = section.int32("view-ring");
    this.numbers.ensure(3);
    this.chains = section.int32("user-chains");
    this.newest = section.float64("user-newest-view");
    this.setCapacity(RING_MIN);
  }

  ensureUsers(users: number): void {
    this.chains.ensure(users * 4);
    this.newest.ensure(users);
  }

  /** Reads the places of the users of rows [from, to) ahead of {@link add}. */
  touch(users: Int32Array, from: number, to: number): void {
    touchSlots(this.chains.values, users, from, to, 4);
    touchSlots(this.newest.values, users, from, to, 1);
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
    if (time > this.newest.values[user]) {
      this.newest.values[user] = time;
      this.newest.dirty[user >>> PAGE_SHIFT] = 1;
    }
  }

  /** Removes entries older than `beforeMs`; calls back first where one is still part of its user's record. */
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
        if (time > this.newest.values[user] - this.config.recentMs) losing(user);
        this.dropOldest(user, mask);
      }
      numbers[0] = (entry + 1) | 0;
    }
    this.numbers.mark(0);
  }

  /** The user's record, as JSON text of a `UserActivityRecord`. */
  record(user: number, userId: string, eventTypes: readonly string[]): string {
    const mask = this.numbers.values[2] - 1;
    const newest = this.newest.values[user];
    const cutoff = newest - this.config.recentMs;
    this.expire(user, cutoff, mask);
    const views = this.countAfter(user, cutoff, mask);
    this.collectNewest(user, cutoff, mask);
    let list = "";
    for (let i = 0; i < this.listEntries.length; i++) {
      const at = (this.listEntries[i] & mask) << ENTRY_SHIFT;
      const type = eventTypes[this.entries.values[at + KIND] & ~LATE_BIT];
      const productId = this.productText(this.entries.values[at + PRODUCT]);
      list += `${i === 0 ? "" : ","}{"eventTime":${timeText(this.listTimes[i])},"eventType":"${type}","productId":${productId}}`;
    }
    return `{"userId":${JSON.stringify(userId)},"views5m":${views},"eventTime":${timeText(newest)},"recent":[${list}]}`;
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

  private productText(product: number): string {
    if (product < 0) return "null";
    let text = this.productTexts.get(product);
    if (text === undefined) {
      text = JSON.stringify(this.productIds.text(product));
      if (this.productTexts.size >= PRODUCT_TEXTS_MAX) this.productTexts.clear();
      this.productTexts.set(product, text);
    }
    return text;
  }

  private link(user: number, entry: number, mask: number): void {
    const { values: chains } = this.chains;
    const { values, dirty } = this.entries;
    const chain = user << 2;
    if (chains[chain + COUNT] > 0) {
      const before = chains[chain + HEAD];
      values[((entry & mask) << ENTRY_SHIFT) + PREVIOUS] = before;
      const at = (before & mask) << ENTRY_SHIFT;
      values[at + NEXT] = entry;
      dirty[at >>> PAGE_SHIFT] = 1;
    } else chains[chain + OLDEST] = entry;
    chains[chain + HEAD] = entry;
  }

  private dropOldest(user: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    const at = (chains[chain + OLDEST] & mask) << ENTRY_SHIFT;
    if ((this.entries.values[at + KIND] & LATE_BIT) !== 0) chains[chain + LATE] -= 1;
    chains[chain + OLDEST] = this.entries.values[at + NEXT];
    chains[chain + COUNT] -= 1;
    this.chains.mark(chain);
  }

  private expire(user: number, cutoff: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    while (chains[chain + COUNT] > 0 && this.timeOf(chains[chain + OLDEST], mask) <= cutoff) {
      this.dropOldest(user, mask);
    }
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
    times.length = 0;
    entries.length = 0;
    let entry = this.chains.values[chain + HEAD];
    for (let left = this.chains.values[chain + COUNT]; left > 0; left--) {
      const at = (entry & mask) << ENTRY_SHIFT;
      const time = this.timeOf(entry, mask);
      const late = (this.entries.values[at + KIND] & LATE_BIT) !== 0;
      if (entries.length === listMax && !late && time + outOfOrdernessMs < times[listMax - 1]) break;
      if (time > cutoff && (entries.length < listMax || time > times[listMax - 1])) {
        let place = Math.min(entries.length, listMax - 1);
        for (; place > 0 && times[place - 1] < time; place--) {
          times[place] = times[place - 1];
          entries[place] = entries[place - 1];
        }
        times[place] = time;
        entries[place] = entry;
      }
      entry = this.entries.values[at + PREVIOUS];
    }
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

const THREE_DIGITS = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, "0"));
let millions = -1;
let millionsText = "";

/** Decimal text of a time in ms; several times faster than the general conversion of a double. */
function timeText(time: number): string {
  const high = Math.floor(time / 1_000_000);
  if (high === 0) return String(time);
  if (high !== millions) {
    millions = high;
    millionsText = String(high);
  }
  const rest = time - high * 1_000_000;
  const thousands = Math.floor(rest / 1000);
  return millionsText + THREE_DIGITS[thousands] + THREE_DIGITS[rest - thousands * 1000];
}
