import { PAGE_SHIFT, type SlotArray, type StateSection } from "../../schema/index.ts";

/** Numbers of an open session, side by side in one cache line. */
export const SessionField = {
  first: 0,
  last: 1,
  revenue: 2,
  events: 3,
  views: 4,
  /** Cart additions + purchases × 2^26. */
  cartsAndPurchases: 5,
  /** (Product id + 1) × 256 + event type code, of the first and the last event. */
  entry: 6,
  exit: 7,
} as const;

export const SESSION_SHIFT = 3;
export const PURCHASE_UNIT = 2 ** 26;

const SIZE = 0;
const FREE = 1;
const CURSOR = 2;
const NONE = -1;

export interface SessionPoolConfig {
  readonly gapMs: number;
  /** Sessions fall due in steps of this, ms. */
  readonly stepMs: number;
  /** Event time that may be live at once beside the gap: out-of-orderness + lateness + tick, ms. */
  readonly liveMs: number;
}

/**
 * Open sessions in reused slots. Each is in one bucket of a wheel by the time at which it would end
 * if nothing came any more; when that bucket falls due, a session that went on moves to its new one.
 * So finding the ended sessions costs one visit per session and gap, not a scan.
 */
export class SessionPool {
  /** {@link SessionField} numbers: session s has elements [s × 8, s × 8 + 8). */
  readonly fields: SlotArray<Float64Array>;
  readonly users: SlotArray<Int32Array>;
  /** Next open session of the same user, or -1. */
  readonly next: SlotArray<Int32Array>;
  private readonly wheelNext: SlotArray<Int32Array>;
  private readonly wheel: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Float64Array>;
  private readonly config: SessionPoolConfig;
  private readonly places: number;

  constructor(section: StateSection, config: SessionPoolConfig) {
    this.config = config;
    this.places = Math.ceil((config.gapMs + config.liveMs) / config.stepMs) + 3;
    section.measure("gapMs", config.gapMs);
    section.measure("stepMs", config.stepMs);
    section.measure("steps for gapMs, outOfOrdernessMs, allowedLatenessMs and tickMs", this.places);
    this.fields = section.float64("sessions");
    this.users = section.int32("session-users", NONE);
    this.next = section.int32("session-next", NONE);
    this.wheelNext = section.int32("wheel-next", NONE);
    this.wheel = section.int32("wheel", NONE);
    this.wheel.ensure(this.places);
    this.numbers = section.float64("session-numbers");
    this.numbers.ensure(3);
    this.numbers.values.set([0, NONE, Number.NEGATIVE_INFINITY]);
    this.numbers.mark(0);
  }

  /** A session slot of the user that begins and ends at `time`, with all sums zero, not in the wheel. */
  create(user: number, time: number): number {
    const session = this.takeSlot();
    const base = session << SESSION_SHIFT;
    this.fields.values.fill(0, base, base + 8);
    this.fields.values[base + SessionField.first] = time;
    this.fields.values[base + SessionField.last] = time;
    this.fields.dirty[base >>> PAGE_SHIFT] = 1;
    this.users.values[session] = user;
    this.next.values[session] = NONE;
    for (const array of [this.users, this.next, this.wheelNext]) array.mark(session);
    this.enlist(session);
    return session;
  }

  /** Marks a session that was merged into another; its slot is free when its bucket falls due. */
  abandon(session: number): void {
    this.users.values[session] = NONE;
    this.users.mark(session);
  }

  /** Calls back, and then frees, every session that ended: last + gap < closeMs. */
  takeEnded(closeMs: number, take: (session: number) => void): void {
    const { stepMs } = this.config;
    const numbers = this.numbers.values;
    // Before 1970 there is no bucket, and nothing ends.
    const target = Math.max(0, Math.floor(closeMs / stepMs));
    if (numbers[CURSOR] === Number.NEGATIVE_INFINITY) {
      if (Number.isFinite(target)) this.setCursor(target);
      return;
    }
    const first = numbers[CURSOR];
    const last = Math.min(target, first + this.places);
    for (let bucket = first; bucket < last; bucket++) this.visit(bucket, closeMs, take);
    if (Number.isFinite(target) && target > first) this.setCursor(target);
  }

  private visit(bucket: number, closeMs: number, take: (session: number) => void): void {
    const place = bucket % this.places;
    let session = this.wheel.values[place];
    if (session === NONE) return;
    this.wheel.values[place] = NONE;
    this.wheel.mark(place);
    while (session !== NONE) {
      const after = this.wheelNext.values[session];
      if (this.users.values[session] === NONE) this.free(session);
      else if (this.endOf(session) < closeMs) {
        take(session);
        this.free(session);
      } else this.enlist(session);
      session = after;
    }
  }

  private endOf(session: number): number {
    return this.fields.values[(session << SESSION_SHIFT) + SessionField.last] + this.config.gapMs;
  }

  /** A bucket is visited once closeMs has reached its end, so what ends in it has ended. */
  private enlist(session: number): void {
    const place = Math.floor(this.endOf(session) / this.config.stepMs) % this.places;
    this.wheelNext.values[session] = this.wheel.values[place];
    this.wheelNext.mark(session);
    this.wheel.values[place] = session;
    this.wheel.mark(place);
  }

  private takeSlot(): number {
    const numbers = this.numbers.values;
    this.numbers.mark(0);
    const free = numbers[FREE];
    if (free !== NONE) {
      numbers[FREE] = this.wheelNext.values[free];
      return free;
    }
    const session = numbers[SIZE];
    numbers[SIZE] = session + 1;
    this.fields.ensure((session + 1) << SESSION_SHIFT);
    for (const array of [this.users, this.next, this.wheelNext]) array.ensure(session + 1);
    return session;
  }

  private free(session: number): void {
    this.users.values[session] = NONE;
    this.users.mark(session);
    this.wheelNext.values[session] = this.numbers.values[FREE];
    this.wheelNext.mark(session);
    this.numbers.values[FREE] = session;
    this.numbers.mark(0);
  }

  private setCursor(bucket: number): void {
    this.numbers.values[CURSOR] = bucket;
    this.numbers.mark(0);
  }
}
