import { DayPanes } from "./day-panes.ts";
import { DAY_MS } from "./payments.ts";

/** Below this many of the customer's means, an amount alone does not explain a fraud. */
const ORDINARY_RATIO = 2;
const OUTLIER_RATIO = 2.5;

/** After this many days a label may enter a feature. */
export const LABEL_DELAY_DAYS = 7;

export const TERMINAL_FEATURES = [
  "terminal_days_since_last",
  "terminal_count_1d",
  "terminal_count_7d",
  "terminal_count_30d",
  "terminal_mean_7d",
  "terminal_mean_30d",
  "terminal_amount_to_mean",
  "terminal_ratio_mean_7d",
  "terminal_outliers_7d",
  "terminal_outliers_30d",
  "terminal_last_label",
  "terminal_fraud_share_of_2",
  "terminal_fraud_share_of_3",
  "terminal_fraud_share_of_5",
  "terminal_fraud_share_of_10",
  "terminal_fraud_share_of_30",
  "terminal_last_fraud_days_ago",
  "terminal_last_genuine_days_ago",
  "terminal_run_length",
  "terminal_run_ordinary",
  "terminal_run_began_days_ago",
  "terminal_run_ordinary_began_days_ago",
  "terminal_run_gap_days",
  "terminal_run_lowest_ratio",
  "terminal_payments_since_run_began",
  "terminal_genuine_since_fraud",
  "terminal_last_ordinary_fraud_days_ago",
  "terminal_risk_1d",
  "terminal_risk_7d",
  "terminal_risk_14d",
  "terminal_risk_24d",
  "terminal_frauds_7d",
  "terminal_frauds_24d",
  "terminal_ordinary_frauds_7d",
  "terminal_ordinary_frauds_24d",
] as const;

const COUNT = 0;
const SUM = 1;
const RATIOS = 2;
const OUTLIERS = 3;

const LABELS = 0;
const FRAUDS = 1;
const ORDINARY = 2;

/** What is known of each terminal from earlier payments, and from labels once they are in. */
export class TerminalHistory {
  readonly #panes: DayPanes;
  readonly #labelPanes: DayPanes;
  readonly #payments: Int32Array;
  readonly #sum: Float64Array;
  readonly #lastMs: Float64Array;
  readonly #labels: Int32Array;
  readonly #frauds: Int32Array;
  /** The last 32 known labels, the newest in the lowest bit. */
  readonly #bits: Int32Array;
  readonly #lastFraudMs: Float64Array;
  readonly #lastGenuineMs: Float64Array;
  readonly #lastOrdinaryMs: Float64Array;
  /** The known frauds since the last known genuine payment. */
  readonly #runLength: Int32Array;
  readonly #runOrdinary: Int32Array;
  readonly #runMs: Float64Array;
  readonly #runOrdinaryMs: Float64Array;
  readonly #runGapDays: Float32Array;
  readonly #runLowest: Float32Array;
  readonly #genuineSinceFraud: Int32Array;
  /** Payments by the time that the run's first label concerned. */
  readonly #labelledBeforeRun: Int32Array;

  constructor(terminals: number) {
    const times = (): Float64Array => new Float64Array(terminals).fill(Number.NaN);
    this.#panes = new DayPanes(terminals, 4);
    this.#labelPanes = new DayPanes(terminals, 3);
    this.#payments = new Int32Array(terminals);
    this.#sum = new Float64Array(terminals);
    this.#lastMs = times();
    this.#labels = new Int32Array(terminals);
    this.#frauds = new Int32Array(terminals);
    this.#bits = new Int32Array(terminals);
    this.#lastFraudMs = times();
    this.#lastGenuineMs = times();
    this.#lastOrdinaryMs = times();
    this.#runLength = new Int32Array(terminals);
    this.#runOrdinary = new Int32Array(terminals);
    this.#runMs = times();
    this.#runOrdinaryMs = times();
    this.#runGapDays = new Float32Array(terminals).fill(Number.NaN);
    this.#runLowest = new Float32Array(terminals).fill(Number.NaN);
    this.#genuineSinceFraud = new Int32Array(terminals);
    this.#labelledBeforeRun = new Int32Array(terminals);
  }

  get bytes(): number {
    const arrays = [
      ...[this.#payments, this.#sum, this.#lastMs, this.#labels, this.#frauds, this.#bits],
      ...[this.#lastFraudMs, this.#lastGenuineMs, this.#lastOrdinaryMs],
      ...[this.#runLength, this.#runOrdinary, this.#runMs, this.#runOrdinaryMs, this.#runGapDays],
      ...[this.#runLowest, this.#genuineSinceFraud, this.#labelledBeforeRun],
    ];
    const own = arrays.reduce((total, array) => total + array.byteLength, 0);
    return own + this.#panes.bytes + this.#labelPanes.bytes;
  }

  /** Writes the features of a payment that is not yet added, in the order of {@link TERMINAL_FEATURES}. */
  read(terminal: number, timeMs: number, amount: number, out: Float64Array, base: number): void {
    const t = terminal;
    const day = Math.floor(timeMs / DAY_MS);
    const sum = (field: number, days: number): number => this.#panes.sum(t, field, day - days + 1, day);
    let at = base;
    out[at++] = (timeMs - this.#lastMs[t]) / DAY_MS;
    const [count1, count7, count30] = [1, 7, 30].map((days) => sum(COUNT, days));
    out[at++] = count1;
    out[at++] = count7;
    out[at++] = count30;
    out[at++] = sum(SUM, 7) / count7;
    out[at++] = sum(SUM, 30) / count30;
    out[at++] = (amount * this.#payments[t]) / this.#sum[t];
    out[at++] = sum(RATIOS, 7) / count7;
    out[at++] = sum(OUTLIERS, 7);
    out[at++] = sum(OUTLIERS, 30);
    at = this.#readLabels(t, day, out, at);
    this.#readRisk(t, day, out, at);
  }

  /** `ratio`: the amount in means of the customer's earlier amounts; NaN where there are none. */
  add(terminal: number, timeMs: number, amount: number, ratio: number): void {
    const t = terminal;
    const day = Math.floor(timeMs / DAY_MS);
    this.#payments[t]++;
    this.#sum[t] += amount;
    this.#lastMs[t] = timeMs;
    this.#panes.add(t, day, COUNT, 1);
    this.#panes.add(t, day, SUM, amount);
    this.#panes.add(t, day, RATIOS, Number.isNaN(ratio) ? 1 : ratio);
    if (ratio >= OUTLIER_RATIO) this.#panes.add(t, day, OUTLIERS, 1);
  }

  /** Takes in the label of a payment, `ratio` as it was then. Labels come in order of their payments. */
  learn(terminal: number, timeMs: number, ratio: number, fraud: boolean): void {
    const t = terminal;
    const day = Math.floor(timeMs / DAY_MS);
    const ordinary = fraud && !(ratio >= ORDINARY_RATIO);
    this.#labels[t]++;
    this.#bits[t] = (this.#bits[t] << 1) | (fraud ? 1 : 0);
    this.#labelPanes.add(t, day, LABELS, 1);
    if (!fraud) {
      this.#lastGenuineMs[t] = timeMs;
      this.#runLength[t] = 0;
      this.#runOrdinary[t] = 0;
      this.#genuineSinceFraud[t]++;
      return;
    }
    this.#labelPanes.add(t, day, FRAUDS, 1);
    this.#frauds[t]++;
    this.#genuineSinceFraud[t] = 0;
    this.#lastFraudMs[t] = timeMs;
    if (this.#runLength[t]++ === 0) {
      this.#runMs[t] = timeMs;
      this.#runGapDays[t] = day - Math.floor(this.#lastGenuineMs[t] / DAY_MS);
      this.#runLowest[t] = Number.POSITIVE_INFINITY;
      this.#labelledBeforeRun[t] = this.#labels[t] - 1;
    }
    this.#runLowest[t] = Math.min(this.#runLowest[t], Number.isNaN(ratio) ? 1 : ratio);
    if (!ordinary) return;
    this.#labelPanes.add(t, day, ORDINARY, 1);
    this.#lastOrdinaryMs[t] = timeMs;
    if (this.#runOrdinary[t]++ === 0) this.#runOrdinaryMs[t] = timeMs;
  }

  #readLabels(t: number, day: number, out: Float64Array, base: number): number {
    const labels = this.#labels[t];
    const bits = this.#bits[t];
    const inRun = this.#runLength[t] > 0;
    let at = base;
    out[at++] = labels === 0 ? Number.NaN : bits & 1;
    for (const last of [2, 3, 5, 10, 30]) {
      const mask = 2 ** last - 1;
      out[at++] = labels === 0 ? Number.NaN : onesOf(bits & mask) / Math.min(last, labels);
    }
    out[at++] = day - Math.floor(this.#lastFraudMs[t] / DAY_MS);
    out[at++] = day - Math.floor(this.#lastGenuineMs[t] / DAY_MS);
    out[at++] = this.#runLength[t];
    out[at++] = this.#runOrdinary[t];
    out[at++] = inRun ? day - Math.floor(this.#runMs[t] / DAY_MS) : Number.NaN;
    out[at++] = this.#runOrdinary[t] > 0 ? day - Math.floor(this.#runOrdinaryMs[t] / DAY_MS) : Number.NaN;
    out[at++] = inRun ? this.#runGapDays[t] : Number.NaN;
    out[at++] = inRun ? this.#runLowest[t] : Number.NaN;
    out[at++] = inRun ? this.#payments[t] - this.#labelledBeforeRun[t] : Number.NaN;
    out[at++] = this.#frauds[t] === 0 ? Number.NaN : this.#genuineSinceFraud[t];
    out[at++] = day - Math.floor(this.#lastOrdinaryMs[t] / DAY_MS);
    return at;
  }

  /** Windows end where labels begin to be missing. */
  #readRisk(t: number, day: number, out: Float64Array, base: number): void {
    const to = day - LABEL_DELAY_DAYS;
    const sum = (field: number, days: number): number => this.#labelPanes.sum(t, field, to - days + 1, to);
    let at = base;
    for (const days of [1, 7, 14, 24]) out[at++] = sum(FRAUDS, days) / sum(LABELS, days);
    out[at++] = sum(FRAUDS, 7);
    out[at++] = sum(FRAUDS, 24);
    out[at++] = sum(ORDINARY, 7);
    out[at++] = sum(ORDINARY, 24);
  }
}

function onesOf(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
