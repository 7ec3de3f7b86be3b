import { mix32 } from "../../columns/index.ts";

/** One word of {@link hashBytes}, folded while the text is scanned. Both must stay equal. */
export function fold(hash: number, word: number): number {
  let h = hash ^ scramble(word);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/**
 * The hash of a text of `length` bytes whose whole words are folded: takes what lies in `word`
 * below the first mark of `hit`, and finishes.
 */
export function foldEnd(hash: number, word: number, hit: number, length: number): number {
  // Bits below the lowest mark's byte: the mark is that byte's high bit.
  const below = ((hit & -hit) >>> 7) - 1;
  return mix32(hash ^ (below === 0 ? 0 : scramble(word & below)) ^ length);
}

function scramble(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}
