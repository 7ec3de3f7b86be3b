export const CANDIDATES_MAX = 6;
const WORDS_MAX = 12;
/** A candidate's words, each followed by its mask. */
export const CANDIDATE_WORDS = WORDS_MAX * 2;
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
  readonly counts: Int32Array;
  private readonly misses: Int32Array;
  /** Words of the literals, each with the mask of its bytes in use. */
  readonly words: Int32Array;

  constructor(places: number) {
    const candidates = places * CANDIDATES_MAX;
    this.fields = new Int32Array(candidates);
    this.lengths = new Int32Array(candidates);
    this.nulls = new Uint8Array(candidates);
    this.words = new Int32Array(candidates * CANDIDATE_WORDS);
    this.counts = new Int32Array(places);
    this.misses = new Int32Array(places);
  }

  /** The candidate whose literal stands at p, or -1. */
  match(view: DataView, p: number, place: number): number {
    const { words } = this;
    const first = place * CANDIDATES_MAX;
    const last = first + this.counts[place];
    if (first === last) return -1;
    // The first 16 bytes without a branch between: they tell nearly all literals apart.
    const a = view.getInt32(p, true);
    const b = view.getInt32(p + 4, true);
    const c = view.getInt32(p + 8, true);
    const d = view.getInt32(p + 12, true);
    for (let candidate = first; candidate < last; candidate++) {
      const w = candidate * CANDIDATE_WORDS;
      const difference =
        (a ^ words[w]) |
        ((b ^ words[w + 2]) & words[w + 3]) |
        ((c ^ words[w + 4]) & words[w + 5]) |
        ((d ^ words[w + 6]) & words[w + 7]);
      if (difference === 0 && (this.lengths[candidate] <= 16 || this.restMatches(view, p, candidate))) {
        return candidate;
      }
    }
    return -1;
  }

  restMatches(view: DataView, p: number, candidate: number): boolean {
    const { words } = this;
    const length = this.lengths[candidate];
    let w = candidate * CANDIDATE_WORDS + 8;
    for (let at = p + 16; at < p + length; at += 4, w += 2) {
      if (((view.getInt32(at, true) ^ words[w]) & words[w + 1]) !== 0) return false;
    }
    return true;
  }

  /** Remembers that `bytes[start, end)` led from a place to a field's value. */
  learn(place: number, field: number, bytes: Uint8Array, start: number, end: number, isNull: boolean): void {
    const length = end - start;
    if (length > LITERAL_BYTES_MAX || length < 4) return;
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
    const base = candidate * CANDIDATE_WORDS;
    for (let word = 0; word < WORDS_MAX; word++) {
      const count = Math.max(0, Math.min(4, length - word * 4));
      this.words[base + word * 2] = wordAt(bytes, start + word * 4, count);
      this.words[base + word * 2 + 1] = count === 4 ? -1 : (1 << (count * 8)) - 1;
    }
  }
}

function wordAt(bytes: Uint8Array, at: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= bytes[at + i] << (i * 8);
  return word;
}
