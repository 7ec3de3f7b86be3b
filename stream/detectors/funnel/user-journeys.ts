import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { TOUCH_ROWS } from "../../operators/touch-slots.ts";
import { NONE } from "./early-steps.ts";
import { type Journeys, OWN, STRIDE } from "./journeys.ts";

/** Fields of a journey's own numbers: the user's journey before it, the next in the queue. */
const BEFORE = OWN;
const NEXT = OWN + 1;
const USER = OWN + 2;
/** Numbers of the pool. */
const COUNT = 0;
const FREE = 1;
const FIRST = 2;
const LAST = 3;

/**
 * Which journey of a user an event belongs to: one begins with a view that no other covers, and covers
 * what lies less than `withinMs` behind it. A user's journeys are a list from the newest; since event
 * time is live for less than `withinMs`, only the newest may still begin earlier, and no view behind
 * it has to be remembered for that.
 */
export class UserJourneys {
  private readonly journeys: Journeys;
  private readonly withinMs: number;
  private readonly newest: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Int32Array>;
  private readonly touchedJourneys = new Int32Array(TOUCH_ROWS);

  constructor(section: StateSection, journeys: Journeys, withinMs: number) {
    this.journeys = journeys;
    this.withinMs = withinMs;
    this.newest = section.int32("user-journey", NONE);
    this.numbers = section.int32("user-journey-numbers");
    this.numbers.ensure(LAST + 1);
    this.numbers.values.set([0, NONE, NONE, NONE]);
    this.numbers.mark(0);
  }

  ensureUsers(count: number): void {
    this.newest.ensure(count);
  }

  /** Reads the newest journeys of the users of rows [from, to) ahead, at most {@link TOUCH_ROWS}. */
  touch(users: Int32Array, from: number, to: number): void {
    const { values } = this.newest;
    const { touchedJourneys } = this;
    for (let row = from; row < to; row++) touchedJourneys[row - from] = values[users[row]];
    this.journeys.touch(touchedJourneys, 0, to - from);
  }

  /** The journey that an event of the user belongs to, or would belong to with a view in front of it. */
  at(user: number, time: number): number {
    const newest = this.newest.values[user];
    if (newest === NONE) return this.open(user, NONE);
    const { values } = this.journeys.times;
    const first = values[newest * STRIDE];
    if (time >= first) return time < first + this.withinMs ? newest : this.open(user, newest);
    const before = values[newest * STRIDE + BEFORE];
    return before !== NONE && this.covers(before, time) ? before : newest;
  }

  /** Forgets journeys that no admitted event can touch any more. */
  forget(closeMs: number): void {
    const numbers = this.numbers.values;
    let stop: number = NONE;
    while (numbers[FIRST] !== NONE && numbers[FIRST] !== stop) {
      const journey = numbers[FIRST];
      const first = this.journeys.times.values[journey * STRIDE];
      const hasBegun = first !== Number.POSITIVE_INFINITY;
      if (hasBegun && first + this.withinMs > closeMs) return;
      this.takeFirst();
      if (hasBegun || !this.journeys.pruneEarly(journey, closeMs)) this.free(journey);
      else {
        // Steps without a view, new ones all the time: looked at again when the queue has come round.
        if (stop === NONE) stop = journey;
        this.append(journey);
      }
    }
  }

  private covers(journey: number, time: number): boolean {
    const first = this.journeys.times.values[journey * STRIDE];
    return time >= first && time < first + this.withinMs;
  }

  private open(user: number, before: number): number {
    const numbers = this.numbers.values;
    let journey = numbers[FREE];
    if (journey === NONE) {
      journey = numbers[COUNT];
      numbers[COUNT] = journey + 1;
      this.journeys.ensure(journey + 1);
    } else numbers[FREE] = this.journeys.times.values[journey * STRIDE + NEXT];
    this.numbers.mark(0);
    this.journeys.clear(journey);
    const { values } = this.journeys.times;
    values[journey * STRIDE + BEFORE] = before;
    values[journey * STRIDE + USER] = user;
    this.append(journey);
    this.newest.values[user] = journey;
    this.newest.mark(user);
    return journey;
  }

  private append(journey: number): void {
    const numbers = this.numbers.values;
    const { times } = this.journeys;
    times.values[journey * STRIDE + NEXT] = NONE;
    times.mark(journey * STRIDE);
    if (numbers[LAST] === NONE) numbers[FIRST] = journey;
    else {
      times.values[numbers[LAST] * STRIDE + NEXT] = journey;
      times.mark(numbers[LAST] * STRIDE);
    }
    numbers[LAST] = journey;
    this.numbers.mark(0);
  }

  private takeFirst(): void {
    const numbers = this.numbers.values;
    const next = this.journeys.times.values[numbers[FIRST] * STRIDE + NEXT];
    numbers[FIRST] = next;
    if (next === NONE) numbers[LAST] = NONE;
    this.numbers.mark(0);
  }

  private free(journey: number): void {
    const { times } = this.journeys;
    const user = times.values[journey * STRIDE + USER];
    const newest = this.newest.values[user];
    if (newest === journey) {
      this.newest.values[user] = NONE;
      this.newest.mark(user);
    } else if (newest !== NONE && times.values[newest * STRIDE + BEFORE] === journey) {
      times.values[newest * STRIDE + BEFORE] = NONE;
      times.mark(newest * STRIDE);
    }
    this.journeys.clear(journey);
    times.values[journey * STRIDE + NEXT] = this.numbers.values[FREE];
    this.numbers.values[FREE] = journey;
    this.numbers.mark(0);
  }
}
