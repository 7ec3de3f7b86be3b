import { KeyDictionary, type StateSection, type TextColumn, utf8Decoder } from "../../../schema/index.ts";
import type { OperatorKeys } from "../../operators/operator-keys.ts";
import type { WindowSums } from "../../operators/window-sums.ts";
import { NONE } from "./early-steps.ts";
import { BASES, FunnelKeyWriter, NAME_BYTES_MAX, TIMES } from "./funnel-key.ts";
import { type JourneyView, STEP_COUNT } from "./journeys.ts";
import { BUCKET_COUNT, bucketOf } from "./time-buckets.ts";

export const DAY_MS = 86_400_000;
const MEASURES_OF_JOURNEY = 2 * STEP_COUNT - 1;
/** Values of a dimension that are told apart by a task; what comes later is `other`. */
const DEVICES_MAX = 64;
const COUNTRIES_MAX = 512;
/** Above the number of any measure. */
const MEASURES_MAX = 256;

/** Places for a country: none, those that are told apart, any other. */
const COUNTRY_PLACES = COUNTRIES_MAX + 2;
const PAIRS = (DEVICES_MAX + 2) * COUNTRY_PLACES;

/** Turns changes of journeys into changes of the sums of their groups. */
export class FunnelSums {
  private readonly sums: WindowSums;
  private readonly categories: KeyDictionary;
  private readonly devices: KeyDictionary;
  private readonly countries: KeyDictionary;
  private readonly before = new Int32Array(MEASURES_OF_JOURNEY);
  private readonly after = new Int32Array(MEASURES_OF_JOURNEY);
  private readonly amount = new Float64Array(1);
  private readonly key = new FunnelKeyWriter();
  /** Ids of the sums' keys, by what they are of: most changes are of a key that was written before. Derived. */
  private readonly ids = new Map<number, number>();
  private readonly groups = new Map<number, number>();

  constructor(section: StateSection, sums: WindowSums, keys: OperatorKeys) {
    this.sums = sums;
    this.categories = keys.categoryId;
    this.devices = section.dictionary(new KeyDictionary("device", 16));
    this.countries = section.dictionary(new KeyDictionary("country", 16));
  }

  deviceOf(column: TextColumn, row: number): number {
    return idOf(this.devices, DEVICES_MAX, column, row);
  }

  countryOf(column: TextColumn, row: number): number {
    return idOf(this.countries, COUNTRIES_MAX, column, row);
  }

  /** A journey began, with a view. */
  begin(basis: number, journey: JourneyView): void {
    this.add(basis, journey, 0, journey.times[0], 1);
  }

  /**
   * A journey changed by a row of this event time. What it was is taken from the sums, what it is put into
   * them, in the pane of the newest of what is concerned: late rows only change what is still live.
   */
  change(basis: number, before: JourneyView, after: JourneyView, time: number): void {
    const paneTime = newestOf(newestOf(time, before.times[0]), after.times[0]);
    measure(before, this.before);
    measure(after, this.after);
    const stays = isSameGroup(before, after);
    for (let i = 0; i < MEASURES_OF_JOURNEY; i++) {
      if (stays && this.before[i] === this.after[i]) continue;
      if (this.before[i] !== NONE) this.add(basis, before, this.before[i], paneTime, -1);
      if (this.after[i] !== NONE) this.add(basis, after, this.after[i], paneTime, 1);
    }
  }

  private add(basis: number, journey: JourneyView, what: number, time: number, amount: number): void {
    const days = dayOf(time) - dayOf(journey.times[0]);
    // Small integers, which a Map finds fastest; a session that began before yesterday is rare.
    const code = ((this.groupOf(journey) * BASES.length + basis) * 2 + days) * MEASURES_MAX + what;
    let id = days > 1 ? undefined : this.ids.get(code);
    if (id === undefined) {
      id = this.intern(basis, journey, days, what);
      if (days <= 1) this.ids.set(code, id);
    }
    this.amount[0] = amount;
    this.sums.addTo(time, id, this.amount);
  }

  /** A small number for the category, device and country of a journey. */
  private groupOf({ category, device, country }: JourneyView): number {
    const pair = (device + 1) * COUNTRY_PLACES + country + 1;
    const code = (category + 1) * PAIRS + pair;
    const known = this.groups.get(code);
    if (known !== undefined) return known;
    this.groups.set(code, this.groups.size);
    return this.groups.size - 1;
  }

  private intern(basis: number, journey: JourneyView, days: number, what: number): number {
    const { key } = this;
    key.begin(days, what, basis);
    key.name(this.categories, journey.category);
    key.name(this.devices, journey.device);
    key.name(this.countries, journey.country);
    return this.sums.keys.intern(key.bytes, 0, key.length);
  }
}

export const SESSION_BASIS = BASES.indexOf("session");
export const USER_BASIS = BASES.indexOf("user");

function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

function newestOf(time: number, other: number): number {
  return other === Number.POSITIVE_INFINITY ? time : Math.max(time, other);
}

/** The measures that a journey counts for, -1 where it does not. */
function measure({ times }: JourneyView, measures: Int32Array): void {
  measures.fill(NONE);
  for (let step = 0; step < STEP_COUNT && times[step] < Number.POSITIVE_INFINITY; step++) {
    measures[step] = step;
    if (step === 0) continue;
    const bucket = bucketOf(times[step] - times[step - 1]);
    measures[STEP_COUNT + step - 1] = TIMES + (step - 1) * BUCKET_COUNT + bucket;
  }
}

function isSameGroup(a: JourneyView, b: JourneyView): boolean {
  return (
    a.category === b.category &&
    a.device === b.device &&
    a.country === b.country &&
    dayOf(a.times[0]) === dayOf(b.times[0])
  );
}

/** An id, -1 for none; the one behind the last stands for all that came after it. */
function idOf(dictionary: KeyDictionary, idsMax: number, column: TextColumn, row: number): number {
  const start = column.start[row];
  if (start < 0) return NONE;
  const end = Math.min(column.end[row], start + NAME_BYTES_MAX);
  if (dictionary.size < idsMax) return dictionary.intern(column.bytes, start, end);
  const known = dictionary.find(utf8Decoder.decode(column.bytes.subarray(start, end)));
  return known < 0 ? idsMax : known;
}
