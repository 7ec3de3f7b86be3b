import { type Column, createKeyColumn, type KeyColumn, type TextColumn } from "./column.ts";
import { KeyDictionary } from "./key-dictionary.ts";

export interface TextInternerLimits {
  /** A dictionary that has more entries or bytes is emptied before the next batch. */
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** Rows of a column for which its texts are left alone after they proved to be mostly distinct. */
  readonly restRows: number;
}

export const defaultTextInternerLimits: TextInternerLimits = {
  entriesMax: 1 << 18,
  bytesMax: 8 << 20,
  restRows: 1 << 20,
};

/** Of so many values, so large a share distinct: ids, or text as typed. Interning them buys nothing. */
const FIRST_SAMPLE = 4096;
const FIRST_DISTINCT_SHARE = 0.99;
const SECOND_SAMPLE = 65_536;
const SECOND_DISTINCT_SHARE = 0.9;

/**
 * Interns the texts of a batch once, for all tables that take them. Dictionaries are bounded and
 * begin anew (see {@link KeyDictionary.generation}) where they are full, and columns that hardly
 * repeat are left as they are, so neither memory nor time grows with what a stream carries.
 */
export class TextInterner {
  private readonly columns: readonly InternedText[];

  /** @param capacity most rows of a batch */
  constructor(
    columns: readonly Column[],
    capacity: number,
    limits: TextInternerLimits = defaultTextInternerLimits,
  ) {
    const texts = columns.filter((column) => column.kind === "text");
    this.columns = texts.map((text) => new InternedText(text, capacity, limits));
  }

  /** Sets `interned` of the columns for rows 0 … rows-1, null where their texts stay as they are. */
  intern(rows: number): void {
    for (const column of this.columns) column.intern(rows);
  }
}

class InternedText {
  private readonly text: TextColumn;
  private readonly limits: TextInternerLimits;
  private readonly capacity: number;
  private view: KeyColumn | null = null;
  /** Values of this generation. */
  private values = 0;
  private rest = 0;

  constructor(text: TextColumn, capacity: number, limits: TextInternerLimits) {
    this.text = text;
    this.capacity = capacity;
    this.limits = limits;
  }

  intern(rows: number): void {
    const { text } = this;
    text.interned = null;
    if (text.empty === true || rows === 0) return;
    if (this.rest > 0) {
      this.rest -= rows;
      return;
    }
    this.view ??= createKeyColumn(this.capacity, new KeyDictionary("texts"));
    const { dictionary, ids } = this.view;
    if (dictionary.size > this.limits.entriesMax || dictionary.heapBytes > this.limits.bytesMax) {
      dictionary.reset();
      this.values = 0;
    }
    this.values += dictionary.internRows(text.bytes, text.start.subarray(0, rows), text.end, ids);
    if (this.isMostlyDistinct(dictionary.size)) {
      this.rest = this.limits.restRows;
      this.values = 0;
      this.view = null;
      return;
    }
    text.interned = this.view;
  }

  private isMostlyDistinct(distinct: number): boolean {
    const { values } = this;
    if (values < FIRST_SAMPLE) return false;
    return (
      distinct >= values * FIRST_DISTINCT_SHARE ||
      (values >= SECOND_SAMPLE && distinct >= values * SECOND_DISTINCT_SHARE)
    );
  }
}
