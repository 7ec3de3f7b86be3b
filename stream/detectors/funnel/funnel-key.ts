import { type KeyDictionary, utf8Decoder } from "../../../schema/index.ts";
import { STEP_COUNT } from "./journeys.ts";
import { BUCKET_COUNT } from "./time-buckets.ts";

/** What a funnel goes over: our sessions, or a time from a user's first view. */
export const BASES = ["session", "user"] as const;
export type Basis = (typeof BASES)[number];

/**
 * A measure of the funnel: how many journeys came to a step (0 … 3), or by bucket how many took that
 * time from a step to the next (from 4 on, {@link BUCKET_COUNT} for each of the three).
 */
export const TIMES = STEP_COUNT;

export interface FunnelGroup {
  readonly basis: Basis;
  readonly categoryId: string;
  readonly device: string;
  readonly country: string;
}

/** Most bytes of a name in a key: longer ones are cut. */
export const NAME_BYTES_MAX = 256;
const HEAD = 3;
const UNKNOWN = new TextEncoder().encode("unknown");
const OTHER = new TextEncoder().encode("other");

/** Days and measure in front of a key; its group begins behind them. */
export const KeyHead = { days: 0, measure: 1, group: 2 } as const;

/**
 * Writes keys of the sums: `u8 days since the journey began, u8 measure, u8 basis`, then category, device
 * and country, each `u16 + bytes`. The day itself is not in it, so that a task has as many keys as groups.
 */
export class FunnelKeyWriter {
  readonly bytes = new Uint8Array(HEAD + 3 * (NAME_BYTES_MAX + 2));
  length = 0;

  begin(days: number, measure: number, basis: number): void {
    this.bytes[KeyHead.days] = days;
    this.bytes[KeyHead.measure] = measure;
    this.bytes[KeyHead.group] = basis;
    this.length = HEAD;
  }

  /** A name: `unknown` where the id is -1, `other` where the dictionary does not have it. */
  name(dictionary: KeyDictionary, id: number): void {
    if (id < 0) this.copy(UNKNOWN, 0, UNKNOWN.length);
    else if (id >= dictionary.size) this.copy(OTHER, 0, OTHER.length);
    else this.copy(dictionary.heap, dictionary.start(id), dictionary.ends[id]);
  }

  private copy(from: Uint8Array, start: number, end: number): void {
    const length = Math.min(end - start, NAME_BYTES_MAX);
    this.bytes[this.length] = length & 255;
    this.bytes[this.length + 1] = length >>> 8;
    for (let i = 0; i < length; i++) this.bytes[this.length + 2 + i] = from[start + i];
    this.length += length + 2;
  }
}

/** @param group a key from {@link KeyHead}.group on */
export function readFunnelGroup(group: Uint8Array): FunnelGroup {
  const names: string[] = [];
  for (let at = 1; at < group.length; ) {
    const end = at + 2 + (group[at] | (group[at + 1] << 8));
    names.push(utf8Decoder.decode(group.subarray(at + 2, end)));
    at = end;
  }
  const [categoryId, device, country] = names;
  return { basis: BASES[group[0]], categoryId, device, country };
}
