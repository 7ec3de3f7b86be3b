import type { ReferenceBins } from "./reference.ts";

/** Shares below this count as this: an empty bin would make the index infinite. */
const SHARE_MIN = 1e-4;

/**
 * Population stability index of counts against a reference: Σ (live − reference) · ln(live / reference)
 * over the bins (Siddiqi, Credit Risk Scorecards, 2006). Below .1 nothing moved, above .25 much did;
 * chance alone gives about (bins − 1) / rows. NaN without rows.
 * @param counts rows by bin; `counts[base + i]` is the i-th
 */
export function populationStability({ shares }: ReferenceBins, counts: Int32Array, base = 0): number {
  let rows = 0;
  for (let i = 0; i < shares.length; i++) rows += counts[base + i];
  if (rows === 0) return Number.NaN;
  let index = 0;
  for (let i = 0; i < shares.length; i++) {
    const live = Math.max(SHARE_MIN, counts[base + i] / rows);
    const reference = Math.max(SHARE_MIN, shares[i]);
    index += (live - reference) * Math.log(live / reference);
  }
  return index;
}
