/** Which way a figure is good, and from where on it meets the target of this project. */
export interface Target {
  readonly value: number;
  readonly better: "higher" | "lower";
}

export const atLeast = (value: number): Target => ({ value, better: "higher" });
export const atMost = (value: number): Target => ({ value, better: "lower" });

/** A figure on public data, beside what it is held against. */
export interface JudgedFigure {
  readonly name: string;
  readonly ours: number;
  /** A naive or plain method on the same rows; null where there is none. */
  readonly baseline: { readonly name: string; readonly value: number } | null;
  /** Null for what is only told. */
  readonly target: Target | null;
}

/** What of a target is missed: 0 where it is met, in the figure's own unit. */
export function missedBy({ ours, target }: JudgedFigure): number {
  if (target === null) return 0;
  const short = target.better === "higher" ? target.value - ours : ours - target.value;
  // NaN, of which nothing was measured, meets no target.
  return Math.max(short, 0);
}

const DIGITS = 4;

/** The figure as a row of a table: its name, ours, the baseline's, the target and the verdict. */
export function figureRow(figure: JudgedFigure): readonly string[] {
  const { name, ours, baseline, target } = figure;
  const missed = missedBy(figure);
  return [
    name,
    ours.toFixed(DIGITS),
    baseline === null ? "" : `${baseline.value.toFixed(DIGITS)} (${baseline.name})`,
    target === null ? "" : `${target.better === "higher" ? "≥" : "≤"} ${target.value}`,
    target === null ? "" : missed === 0 ? "met" : `missed by ${missed.toFixed(DIGITS)}`,
  ];
}
