import { jsonBlob, PAGE_SHIFT, type SlotArray, type StateSection } from "../../schema/index.ts";

/** Versions kept of one key unless told otherwise; the oldest goes first. */
const VERSIONS_MAX = 16;
export const NO_VERSION = -1;

/**
 * Which version of a key held at an event time. Versions of a key are a chain from the newest to the
 * oldest, in slots of typed arrays; a slot whose version was dropped is used again. What a version says
 * is in arrays of the owner, by slot. Takes the section's blob.
 */
export class VersionChains {
  private readonly head: SlotArray<Int32Array>;
  private readonly time: SlotArray<Float64Array>;
  private readonly older: SlotArray<Int32Array>;
  private readonly attributes: readonly SlotArray[];
  private readonly versionsMax: number;
  private used = 0;

  /**
   * @param attributes arrays by version, which grow and are marked with it
   * @param versionsMax kept of one key; each look walks over those that are newer
   */
  constructor(section: StateSection, attributes: readonly SlotArray[], versionsMax = VERSIONS_MAX) {
    this.versionsMax = versionsMax;
    this.head = section.int32("head", NO_VERSION);
    this.time = section.float64("time");
    this.older = section.int32("older", NO_VERSION);
    this.attributes = attributes;
    section.blob = jsonBlob(
      () => this.used,
      (value) => {
        this.used = value;
      },
    );
  }

  /** Keys 0 … count-1 can have versions. */
  ensureKeys(count: number): void {
    this.head.ensure(count);
  }

  /**
   * The slot of the key's version of that time, to be filled in by the owner: of the one that is there,
   * or a new one. {@link NO_VERSION} where it is older than all that are kept.
   */
  put(key: number, timeMs: number): number {
    const version = this.insert(key, timeMs);
    if (version === NO_VERSION) return NO_VERSION;
    this.time.mark(version);
    this.older.mark(version);
    for (const array of this.attributes) array.mark(version);
    return version;
  }

  /** The newest version not after the event time, else the earliest known; {@link NO_VERSION} of an unknown key. */
  at(key: number, eventTimeMs: number): number {
    if (key < 0 || key >= this.head.length) return NO_VERSION;
    const time = this.time.values;
    const older = this.older.values;
    let version = this.head.values[key];
    while (version !== NO_VERSION && time[version] > eventTimeMs && older[version] !== NO_VERSION) {
      version = older[version];
    }
    return version;
  }

  timeOf(version: number): number {
    return this.time.values[version];
  }

  private insert(key: number, timeMs: number): number {
    const { head, time, older } = this;
    let newer = NO_VERSION;
    let at = head.values[key];
    let position = 0;
    for (; at !== NO_VERSION && time.values[at] > timeMs; at = older.values[at], position++) newer = at;
    if (at !== NO_VERSION && time.values[at] === timeMs) return at;
    if (position >= this.versionsMax) return NO_VERSION;
    const slot = this.dropOldest(key) ?? this.used++;
    // Dropping may have taken the very version that would follow this one.
    const next = at === slot ? NO_VERSION : at;
    for (const array of [time, older, ...this.attributes]) array.ensure(this.used);
    time.values[slot] = timeMs;
    older.values[slot] = next;
    if (newer === NO_VERSION) {
      head.values[key] = slot;
      head.dirty[key >>> PAGE_SHIFT] = 1;
    } else {
      older.values[newer] = slot;
      older.dirty[newer >>> PAGE_SHIFT] = 1;
    }
    return slot;
  }

  /** Frees the oldest version of a key that has as many as are kept; null where it has fewer. */
  private dropOldest(key: number): number | null {
    const older = this.older.values;
    let count = 0;
    let last = NO_VERSION;
    let beforeLast = NO_VERSION;
    for (let at = this.head.values[key]; at !== NO_VERSION; at = older[at]) {
      beforeLast = last;
      last = at;
      count++;
    }
    if (count < this.versionsMax) return null;
    older[beforeLast] = NO_VERSION;
    this.older.mark(beforeLast);
    return last;
  }
}
