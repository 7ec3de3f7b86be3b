import { type KeyDictionary, PAGE_SHIFT, type StateSection } from "../../schema/index.ts";

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

/**
 * The views of the last minutes of all users, in one ring in log order; the views of one user are
 * chained in both directions. Entries are named by a running 32-bit number whose low bits are the
 * place, so links survive the growth of the ring. Order in a chain is the log's: where a record
 * needs event-time order it looks as far back as the out-of-orderness allows.
 */
export class RecentViews {
  private readonly config: RecentViewsConfig;
  private readonly productIds: KeyDictionary;
  private readonly times;
  private readonly owners;
  private readonly products;
  private readonly kinds;
  /** (previous, next) entry of the same user. */
  private readonly links;
  /** (begin, end) of the ring as entry numbers, and its capacity. */
  private readonly numbers;
  private readonly chains;
  private readonly newest;
  private listTimes: number[] = [];
  private listEntries: number[] = [];

  constructor(section: StateSection, productIds: KeyDictionary, config: RecentViewsConfig) {
    this.config = config;
    this.productIds = productIds;
    this.times = section.float64("view-times");
    this.owners = section.int32("view-users");
    this.products = section.int32("view-products");
    this.kinds = section.uint8("view-kinds");
    this.links = section.int32("view-links");
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

  add(user: number, time: number, kind: number, product: number, late: boolean): void {
    if (((this.numbers.values[1] - this.numbers.values[0]) | 0) === this.numbers.values[2]) this.grow();
    const entry = this.numbers.values[1];
    this.numbers.values[1] = (entry + 1) | 0;
    this.numbers.dirty[0] = 1;
    const mask = this.numbers.values[2] - 1;
    const at = entry & mask;
    const page = at >>> PAGE_SHIFT;
    this.times.values[at] = time;
    this.times.dirty[page] = 1;
    this.owners.values[at] = user;
    this.owners.dirty[page] = 1;
    this.products.values[at] = product;
    this.products.dirty[page] = 1;
    this.kinds.values[at] = late ? kind | LATE_BIT : kind;
    this.kinds.dirty[page] = 1;
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
    while (numbers[0] !== numbers[1]) {
      const entry = numbers[0];
      const time = this.times.values[entry & mask];
      if (time >= beforeMs) break;
      const user = this.owners.values[entry & mask];
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
    for (const [i, entry] of this.listEntries.entries()) {
      const at = entry & mask;
      const product = this.products.values[at];
      const productId = product < 0 ? "null" : JSON.stringify(this.productIds.text(product));
      const type = eventTypes[this.kinds.values[at] & ~LATE_BIT];
      list += `${i === 0 ? "" : ","}{"eventTime":${this.times.values[at]},"eventType":"${type}","productId":${productId}}`;
    }
    return `{"userId":${JSON.stringify(userId)},"views5m":${views},"eventTime":${newest},"recent":[${list}]}`;
  }

  private link(user: number, entry: number, mask: number): void {
    const { values: chains } = this.chains;
    const { values: links, dirty } = this.links;
    const chain = user << 2;
    const at = (entry & mask) << 1;
    if (chains[chain + COUNT] > 0) {
      const before = chains[chain + HEAD];
      links[at] = before;
      const next = ((before & mask) << 1) + 1;
      links[next] = entry;
      dirty[next >>> PAGE_SHIFT] = 1;
    } else chains[chain + OLDEST] = entry;
    dirty[at >>> PAGE_SHIFT] = 1;
    chains[chain + HEAD] = entry;
  }

  private dropOldest(user: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    const at = chains[chain + OLDEST] & mask;
    if ((this.kinds.values[at] & LATE_BIT) !== 0) chains[chain + LATE] -= 1;
    chains[chain + OLDEST] = this.links.values[(at << 1) + 1];
    chains[chain + COUNT] -= 1;
    this.chains.mark(chain);
  }

  private expire(user: number, cutoff: number, mask: number): void {
    const { values: chains } = this.chains;
    const chain = user << 2;
    while (chains[chain + COUNT] > 0 && this.times.values[chains[chain + OLDEST] & mask] <= cutoff) {
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
      const time = this.times.values[entry & mask];
      if (time <= cutoff) views -= 1;
      else if (sorted && time > cutoff + this.config.outOfOrdernessMs) break;
      entry = this.links.values[((entry & mask) << 1) + 1];
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
      const at = entry & mask;
      const time = this.times.values[at];
      const late = (this.kinds.values[at] & LATE_BIT) !== 0;
      if (entries.length === listMax && !late && time + outOfOrdernessMs < times[listMax - 1]) break;
      if (time > cutoff && (entries.length < listMax || time > times[listMax - 1])) {
        let place = entries.length;
        while (place > 0 && times[place - 1] < time) place -= 1;
        times.splice(place, 0, time);
        entries.splice(place, 0, entry);
        if (entries.length > listMax) {
          times.length = listMax;
          entries.length = listMax;
        }
      }
      entry = this.links.values[at << 1];
    }
  }

  private setCapacity(capacity: number): void {
    for (const array of [this.times, this.owners, this.products, this.kinds]) array.ensure(capacity);
    this.links.ensure(capacity * 2);
    this.numbers.values[2] = capacity;
    this.numbers.mark(0);
  }

  private grow(): void {
    const old = this.numbers.values[2];
    this.setCapacity(old * 2);
    const [begin, end] = this.numbers.values;
    for (let entry = begin; entry !== end; entry = (entry + 1) | 0) {
      const from = entry & (old - 1);
      const to = entry & (old * 2 - 1);
      if (from === to) continue;
      for (const array of [this.times, this.owners, this.products, this.kinds])
        array.values[to] = array.values[from];
      this.links.values.copyWithin(to * 2, from * 2, from * 2 + 2);
    }
    for (const array of [this.times, this.owners, this.products, this.kinds]) array.markRange(0, old * 2);
    this.links.markRange(0, old * 4);
  }
}
