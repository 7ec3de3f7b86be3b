import {
  KeyDictionary,
  type StateSection,
  type TextColumn,
  type UserProfileBatch,
} from "../../schema/index.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import { NO_VERSION, VersionChains } from "./version-chains.ts";

const NONE = -1;

/** A profile as of some time. */
export interface ProfileVersion {
  readonly updateTime: number;
  readonly country: string | null;
  readonly segment: string | null;
  readonly signupTime: number | null;
}

/**
 * Profiles of a task's users, as they were at any event time that versions are kept for. Unlike a
 * product's, a profile is not taken to have held before it was set.
 */
export class ProfileTable {
  private readonly keys: OperatorKeys;
  private readonly countries: KeyDictionary;
  private readonly segments: KeyDictionary;
  private readonly country;
  private readonly segment;
  private readonly signup;
  private readonly versions: VersionChains;

  /** @param section of its own: its blob is taken */
  constructor(section: StateSection, keys: OperatorKeys) {
    this.keys = keys;
    this.countries = section.dictionary(new KeyDictionary("country", 64));
    this.segments = section.dictionary(new KeyDictionary("segment", 64));
    this.country = section.int32("country", NONE);
    this.segment = section.int32("segment", NONE);
    this.signup = section.float64("signup");
    this.versions = new VersionChains(section, [this.country, this.segment, this.signup]);
  }

  /** Takes a row; order of arrival does not matter, `updateTime` does. */
  fold(batch: UserProfileBatch, row: number): void {
    this.versions.ensureKeys(this.keys.userId.size);
    const version = this.versions.put(batch.userId.ids[row], batch.updateTime.values[row]);
    if (version === NO_VERSION) return;
    const { valid, values } = batch.signupTime;
    this.country.values[version] = intern(this.countries, batch.country, row);
    this.segment.values[version] = intern(this.segments, batch.segment, row);
    this.signup.values[version] = valid !== null && valid[row] === 0 ? Number.NaN : values[row];
  }

  /** The newest profile of the user that was set by then; null where none is known. */
  at(user: number, timeMs: number): ProfileVersion | null {
    const version = this.versions.at(user, timeMs);
    if (version === NO_VERSION || this.versions.timeOf(version) > timeMs) return null;
    const text = (dictionary: KeyDictionary, id: number) => (id === NONE ? null : dictionary.text(id));
    const signup = this.signup.values[version];
    return {
      updateTime: this.versions.timeOf(version),
      country: text(this.countries, this.country.values[version]),
      segment: text(this.segments, this.segment.values[version]),
      signupTime: Number.isNaN(signup) ? null : signup,
    };
  }
}

function intern(dictionary: KeyDictionary, column: TextColumn, row: number): number {
  return column.start[row] < 0 ? NONE : dictionary.intern(column.bytes, column.start[row], column.end[row]);
}
