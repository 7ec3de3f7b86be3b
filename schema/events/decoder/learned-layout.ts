const CANDIDATES_MAX = 6;
const WORDS_MAX = 12;
/** Longest literal that is learned; reading one past a record's end stays within the padding. */
const LITERAL_BYTES_MAX = WORDS_MAX * 4 - 4;
/** While the candidates of a place are full, every so many-th miss replaces one. */
const RELEARN_EVERY = 64;

/**
 * What producers wrote between two values, so far: after the value of field f (place f + 1; place
 * 0 is the record's begin) usually the same few byte strings follow, such as `,"userId":"`. They
 * are remembered with their spacing and compared four bytes at a time. Every literal was parsed
 * once by the grammar, so a match is as good as parsing it.
 */
export class LearnedLayout {
  /** By candidate: the field whose value follows. */
  readonly fields: Int32Array;
  /** By candidate: bytes of the literal. */
  readonly lengths: Int32Array;
  /** By candidate: 1 where the literal ends with the field's value `null`. */
  readonly nulls: Uint8Array;
  private readonly counts: Int32Array;
  private readonly misses: Int32Array;
  private readonly words: Int32Array;
  /** Whole words of the literal, and the mask of its last partial word. */
  private readonly wholes: Int32Array;
  private readonly masks: Int32Array;

  constructor(places: number) {
    const candidates = places * CANDIDATES_MAX;
    this.fields = new Int32Array(candidates);
    this.lengths = new Int32Array(candidates);
    this.nulls = new Uint8Array(candidates);
    this.wholes = new Int32Array(candidates);
    this.masks = new Int32Array(candidates);
    this.words = new Int32Array(candidates * WORDS_MAX);
    this.counts = new Int32Array(places);
    this.misses = new Int32Array(places);
  }

  /** The candidate whose literal stands at p, or -1. */
  match(view: DataView, p: number, place: number): number {
    const { words, wholes, masks } = this;
    const first = place * CANDIDATES_MAX;
    const last = first + this.counts[place];
    for (let candidate = first; candidate < last; candidate++) {
      const whole = wholes[candidate];
      let word = candidate * WORDS_MAX;
      let at = p;
      const end = p + whole;
      while (at < end && view.getInt32(at, true) === words[word]) {
        at += 4;
        word++;
      }
      if (at === end && ((view.getInt32(at, true) ^ words[word]) & masks[candidate]) === 0) return candidate;
    }
    return -1;
  }

  /** Remembers that `bytes[start, end)` led from a place to a field's value. */
  learn(place: number, field: number, bytes: Uint8Array, start: number, end: number, isNull: boolean): void {
    const length = end - start;
    if (length > LITERAL_BYTES_MAX) return;
    let index = this.counts[place];
    if (index === CANDIDATES_MAX) {
      const misses = ++this.misses[place];
      if (misses % RELEARN_EVERY !== 0) return;
      index = (misses / RELEARN_EVERY) % CANDIDATES_MAX;
    } else {
      this.counts[place] = index + 1;
    }
    const candidate = place * CANDIDATES_MAX + index;
    this.fields[candidate] = field;
    this.lengths[candidate] = length;
    this.nulls[candidate] = isNull ? 1 : 0;
    this.wholes[candidate] = length & ~3;
    this.masks[candidate] = (1 << ((length & 3) * 8)) - 1;
    const base = candidate * WORDS_MAX;
    for (let i = 0; i < length; i += 4)
      this.words[base + (i >>> 2)] = wordAt(bytes, start + i, Math.min(4, length - i));
  }
}

function wordAt(bytes: Uint8Array, at: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= bytes[at + i] << (i * 8);
  return word;
}
