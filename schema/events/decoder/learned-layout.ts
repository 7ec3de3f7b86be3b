import { QUOTE } from "./json-scan.ts";

const BLANK = 0x20;
const WORDS_MAX = 12;
/** Longest literal that is learned; reading one at a record's end stays within the padding. */
const LITERAL_BYTES_MAX = 44;
/** Shorter ones have no two whole words to be found by. */
const LITERAL_BYTES_MIN = 8;
const LITERALS_MAX = 128;
const SLOT_BITS = 9;
const SLOT_MASK = 511;
/** With all places taken, forget everything after so many more literals: the producers changed. */
const FORGET_AFTER = 4096;
const EMPTY = -1;

/**
 * What producers write between two values: few byte strings, such as `,"userId":"`, each with its
 * producer's spacing. They are remembered as they come and found by their first eight bytes, in
 * any order. Each was parsed once by the grammar, so a match is as good as parsing it.
 */
export class LearnedLayout {
  /** By literal: the field whose value follows. */
  readonly fields: Int32Array = new Int32Array(LITERALS_MAX);
  readonly lengths: Int32Array = new Int32Array(LITERALS_MAX);
  /** By literal: 1 where it ends with the field's value `null`. */
  readonly nulls: Uint8Array = new Uint8Array(LITERALS_MAX);
  /** By literal: 1 where a value without quotes follows: not here if a blank does, as another producer may write. */
  private readonly bare: Uint8Array = new Uint8Array(LITERALS_MAX);
  /** By literal: 1 where it holds the opening brace. */
  private readonly opens: Uint8Array = new Uint8Array(LITERALS_MAX);
  private readonly words: Int32Array = new Int32Array(LITERALS_MAX * WORDS_MAX);
  /** By literal: the mask of the last word's bytes in use. */
  private readonly masks: Int32Array = new Int32Array(LITERALS_MAX);
  private readonly slots: Int32Array = new Int32Array(SLOT_MASK + 1).fill(EMPTY);
  private count = 0;
  private overflow = 0;

  /** The literal that stands at p, or -1; `opens` = 1 at the record's begin and 0 elsewhere. */
  match(view: DataView, p: number, opens: number): number {
    const { slots, words } = this;
    const first = view.getInt32(p, true);
    const second = view.getInt32((p + 4) | 0, true);
    let slot = slotOf(first, second);
    for (;;) {
      const literal = slots[slot];
      if (literal < 0) return EMPTY;
      const base = Math.imul(literal, 12);
      if (
        words[base] === first &&
        words[(base + 1) | 0] === second &&
        this.opens[literal] === opens &&
        this.restMatches(view, p, literal, base) &&
        (this.bare[literal] === 0 || view.getUint8(p + this.lengths[literal]) > BLANK)
      ) {
        return literal;
      }
      slot = (slot + 1) & SLOT_MASK;
    }
  }

  private restMatches(view: DataView, p: number, literal: number, base: number): boolean {
    const { words } = this;
    const end = (p + this.lengths[literal] - 4) | 0;
    let at = (p + 8) | 0;
    let word = (base + 2) | 0;
    while (at < end) {
      if (view.getInt32(at, true) !== words[word]) return false;
      at = (at + 4) | 0;
      word = (word + 1) | 0;
    }
    return ((view.getInt32(at, true) ^ words[word]) & this.masks[literal]) === 0;
  }

  /** Remembers that `bytes[start, end)` leads to a field's value, or holds it where that is null. */
  learn(
    field: number,
    bytes: Uint8Array,
    range: readonly [number, number],
    opens: number,
    isNull: boolean,
  ): void {
    const [start, end] = range;
    const length = end - start;
    if (length > LITERAL_BYTES_MAX || length < LITERAL_BYTES_MIN) return;
    if (this.count === LITERALS_MAX) {
      if (++this.overflow < FORGET_AFTER) return;
      this.slots.fill(EMPTY);
      this.count = 0;
      this.overflow = 0;
    }
    const literal = this.count++;
    this.fields[literal] = field;
    this.lengths[literal] = length;
    this.nulls[literal] = isNull ? 1 : 0;
    this.opens[literal] = opens;
    this.bare[literal] = isNull || bytes[end - 1] === QUOTE ? 0 : 1;
    const base = literal * WORDS_MAX;
    for (let i = 0; i < WORDS_MAX; i++) {
      const count = Math.max(0, Math.min(4, length - i * 4));
      this.words[base + i] = wordAt(bytes, start + i * 4, count);
    }
    const rest = length & 3;
    // The word after a whole last one is compared under no bits.
    const lastIsWhole = rest === 0 && length > LITERAL_BYTES_MIN;
    this.masks[literal] = lastIsWhole ? -1 : (1 << (rest * 8)) - 1;
    let slot = slotOf(this.words[base], this.words[base + 1]);
    while (this.slots[slot] !== EMPTY) slot = (slot + 1) & SLOT_MASK;
    this.slots[slot] = literal;
  }
}

function slotOf(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) >>> (32 - SLOT_BITS);
}

function wordAt(bytes: Uint8Array, at: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= bytes[at + i] << (i * 8);
  return word;
}
