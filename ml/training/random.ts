/**
 * Seeded uniform numbers in [0, 1): sfc32 (Doty-Humphrey's "small fast counting" generator, from
 * PractRand). The same seed gives the same numbers on every machine.
 */
export function createRandom(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = Math.floor(seed / 0x1_0000_0000) | 0;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** The numbers 0 … count-1 in seeded random order (Fisher and Yates). */
export function permutation(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}
