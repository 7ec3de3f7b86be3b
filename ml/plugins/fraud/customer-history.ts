import { DayPanes } from "./day-panes.ts";
import { DAY_MS } from "./payments.ts";
import { RecentAmounts } from "./recent-amounts.ts";

/** From this many times the customer's mean on, an amount is an outlier; mild from fewer on. */
const OUTLIER_RATIO = 2.5;
const MILD_RATIO = 1.8;

/** Days after which an outlier begins a new spell rather than going on with one. */
const SPELL_DAYS = 14;

/** Last payments whose times and terminals are kept. */
const RECENT = 16;

export const CUSTOMER_FEATURES = [
  "customer_amount_to_median",
  "customer_amount_to_mean",
  "customer_amount_deviations",
  "customer_amount_to_p90",
  "customer_amount_to_p25",
  "customer_amount_rank",
  "customer_amount_to_last",
  "customer_median",
  "customer_mean",
  "customer_deviation_to_mean",
  "customer_payments_a_day",
  "customer_hours_since_last",
  "customer_hours_since_third",
  "customer_hours_since_eighth",
  "customer_last_amount_to_mean",
  "customer_second_amount_to_mean",
  "customer_third_amount_to_mean",
  "customer_largest_of_5_to_mean",
  "customer_count_1d",
  "customer_count_7d",
  "customer_count_30d",
  "customer_sum_1d_to_mean",
  "customer_mean_1d_to_mean",
  "customer_mean_7d_to_mean",
  "customer_mean_14d_to_mean",
  "customer_mean_30d",
  "customer_days_since_outlier",
  "customer_days_since_spell_began",
  "customer_outliers_in_spell",
  "customer_payments_in_spell",
  "customer_outliers_1d",
  "customer_outliers_7d",
  "customer_outliers_14d",
  "customer_outliers_30d",
  "customer_outlier_share_14d",
  "customer_mild_14d",
  "customer_outliers",
  "customer_terminals_of_16",
  "customer_visits_to_terminal_of_16",
  "customer_labels_fraud",
  "customer_labels_genuine_outlier",
  "customer_days_since_known_fraud",
] as const;

const COUNT = 0;
const SUM = 1;
const OUTLIERS = 2;
const MILD = 3;

/** What is known of each customer from earlier payments, and from labels once they are in. */
export class CustomerHistory {
  readonly #amounts: RecentAmounts;
  readonly #panes: DayPanes;
  /** Running mean and squared deviations of the amounts, outliers cut to {@link OUTLIER_RATIO}. */
  readonly #payments: Int32Array;
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  readonly #firstMs: Float64Array;
  readonly #times: Float64Array;
  readonly #terminals: Int32Array;
  readonly #outliers: Int32Array;
  readonly #lastOutlierMs: Float64Array;
  readonly #spellMs: Float64Array;
  readonly #spellOutliers: Int32Array;
  readonly #spellPayments: Int32Array;
  readonly #frauds: Int32Array;
  readonly #genuineOutliers: Int32Array;
  readonly #lastFraudMs: Float64Array;

  constructor(customers: number) {
    this.#amounts = new RecentAmounts(customers);
    this.#panes = new DayPanes(customers, 4);
    this.#payments = new Int32Array(customers);
    this.#mean = new Float64Array(customers);
    this.#squares = new Float64Array(customers);
    this.#firstMs = new Float64Array(customers);
    this.#times = new Float64Array(customers * RECENT).fill(Number.NaN);
    this.#terminals = new Int32Array(customers * RECENT).fill(-1);
    this.#outliers = new Int32Array(customers);
    this.#lastOutlierMs = new Float64Array(customers).fill(Number.NaN);
    this.#spellMs = new Float64Array(customers).fill(Number.NaN);
    this.#spellOutliers = new Int32Array(customers);
    this.#spellPayments = new Int32Array(customers);
    this.#frauds = new Int32Array(customers);
    this.#genuineOutliers = new Int32Array(customers);
    this.#lastFraudMs = new Float64Array(customers).fill(Number.NaN);
  }

  get bytes(): number {
    const arrays = [
      ...[this.#payments, this.#mean, this.#squares, this.#firstMs, this.#times, this.#terminals],
      ...[this.#outliers, this.#lastOutlierMs, this.#spellMs, this.#spellOutliers, this.#spellPayments],
      ...[this.#frauds, this.#genuineOutliers, this.#lastFraudMs],
    ];
    const own = arrays.reduce((total, array) => total + array.byteLength, 0);
    return own + this.#amounts.bytes + this.#panes.bytes;
  }

  /** An amount in means of the customer's earlier amounts; NaN for the first payment. */
  ratio(customer: number, amount: number): number {
    return this.#payments[customer] === 0 ? Number.NaN : amount / Math.max(this.#mean[customer], 0.01);
  }

  /** Writes the features of a payment that is not yet added, in the order of {@link CUSTOMER_FEATURES}. */
  read(
    customer: number,
    terminal: number,
    timeMs: number,
    amount: number,
    out: Float64Array,
    base: number,
  ): void {
    const c = customer;
    const day = Math.floor(timeMs / DAY_MS);
    const payments = this.#payments[c];
    const mean = this.#mean[c];
    const deviation = Math.sqrt(this.#squares[c] / Math.max(1, payments - 1));
    const amounts = this.#amounts;
    let at = base;
    out[at++] = amount / amounts.quantile(c, 0.5);
    out[at++] = this.ratio(c, amount);
    out[at++] = payments < 3 ? Number.NaN : (amount - mean) / Math.max(deviation, 0.01);
    out[at++] = amount / amounts.quantile(c, 0.9);
    out[at++] = amount / amounts.quantile(c, 0.25);
    out[at++] = amounts.rank(c, amount);
    out[at++] = amount / amounts.last(c, 1);
    out[at++] = amounts.quantile(c, 0.5);
    out[at++] = payments === 0 ? Number.NaN : mean;
    out[at++] = payments < 3 ? Number.NaN : deviation / mean;
    out[at++] = payments / Math.max(1, (timeMs - this.#firstMs[c]) / DAY_MS);
    out[at++] = (timeMs - this.#timeOf(c, 1)) / 3_600_000;
    out[at++] = (timeMs - this.#timeOf(c, 3)) / 3_600_000;
    out[at++] = (timeMs - this.#timeOf(c, 8)) / 3_600_000;
    let largest = 0;
    for (let back = 1; back <= 5; back++) {
      const ratio = amounts.last(c, back) / mean;
      if (back <= 3) out[at++] = ratio;
      if (ratio > largest) largest = ratio;
    }
    out[at++] = largest;
    at = this.#readWindows(c, day, mean, out, at);
    at = this.#readSpell(c, day, timeMs, out, at);
    out[at++] = this.#outliers[c];
    at = this.#readTerminals(c, terminal, out, at);
    out[at++] = this.#frauds[c];
    out[at++] = this.#genuineOutliers[c];
    out[at++] = (timeMs - this.#lastFraudMs[c]) / DAY_MS;
  }

  add(customer: number, terminal: number, timeMs: number, amount: number): void {
    const c = customer;
    const day = Math.floor(timeMs / DAY_MS);
    const ratio = this.ratio(c, amount);
    if (this.#payments[c] === 0) this.#firstMs[c] = timeMs;
    const slot = c * RECENT + (this.#payments[c] % RECENT);
    this.#times[slot] = timeMs;
    this.#terminals[slot] = terminal;
    // The first few amounts say too little of what is usual to cut by.
    const usual = this.#payments[c] < 5 ? amount : Math.min(amount, OUTLIER_RATIO * this.#mean[c]);
    const count = ++this.#payments[c];
    const step = usual - this.#mean[c];
    this.#mean[c] += step / count;
    this.#squares[c] += step * (usual - this.#mean[c]);
    this.#amounts.add(c, amount);
    this.#panes.add(c, day, COUNT, 1);
    this.#panes.add(c, day, SUM, amount);
    if (ratio >= MILD_RATIO) this.#panes.add(c, day, MILD, 1);
    const inSpell = day - Math.floor(this.#spellMs[c] / DAY_MS) < SPELL_DAYS;
    if (inSpell) this.#spellPayments[c]++;
    if (!(ratio >= OUTLIER_RATIO)) return;
    this.#panes.add(c, day, OUTLIERS, 1);
    this.#outliers[c]++;
    this.#lastOutlierMs[c] = timeMs;
    if (inSpell) this.#spellOutliers[c]++;
    else {
      this.#spellMs[c] = timeMs;
      this.#spellOutliers[c] = 1;
      this.#spellPayments[c] = 1;
    }
  }

  /** Takes in the label of a payment, `ratio` as it was then. */
  learn(customer: number, timeMs: number, ratio: number, fraud: boolean): void {
    if (fraud) {
      this.#frauds[customer]++;
      this.#lastFraudMs[customer] = timeMs;
    } else if (ratio >= OUTLIER_RATIO) this.#genuineOutliers[customer]++;
  }

  #timeOf(customer: number, back: number): number {
    const seen = this.#payments[customer];
    return back > seen ? Number.NaN : this.#times[customer * RECENT + ((seen - back) % RECENT)];
  }

  #readWindows(c: number, day: number, mean: number, out: Float64Array, base: number): number {
    const sum = (field: number, days: number): number => this.#panes.sum(c, field, day - days + 1, day);
    let at = base;
    const [count1, count7, count14, count30] = [1, 7, 14, 30].map((days) => sum(COUNT, days));
    out[at++] = count1;
    out[at++] = count7;
    out[at++] = count30;
    const sum1 = sum(SUM, 1);
    out[at++] = sum1 / mean;
    out[at++] = sum1 / count1 / mean;
    out[at++] = sum(SUM, 7) / count7 / mean;
    out[at++] = sum(SUM, 14) / count14 / mean;
    out[at++] = sum(SUM, 30) / count30;
    return at;
  }

  #readSpell(c: number, day: number, timeMs: number, out: Float64Array, base: number): number {
    const sum = (field: number, days: number): number => this.#panes.sum(c, field, day - days + 1, day);
    let at = base;
    out[at++] = (timeMs - this.#lastOutlierMs[c]) / DAY_MS;
    const began = Math.floor(this.#spellMs[c] / DAY_MS);
    out[at++] = day - began;
    const inSpell = day - began < SPELL_DAYS;
    out[at++] = inSpell ? this.#spellOutliers[c] : 0;
    out[at++] = inSpell ? this.#spellPayments[c] : 0;
    for (const days of [1, 7, 14, 30]) out[at++] = sum(OUTLIERS, days);
    out[at++] = sum(OUTLIERS, 14) / sum(COUNT, 14);
    out[at++] = sum(MILD, 14);
    return at;
  }

  #readTerminals(c: number, terminal: number, out: Float64Array, base: number): number {
    const from = c * RECENT;
    const kept = Math.min(this.#payments[c], RECENT);
    let distinct = 0;
    let visits = 0;
    for (let i = 0; i < kept; i++) {
      const one = this.#terminals[from + i];
      if (one === terminal) visits++;
      if (this.#terminals.indexOf(one, from) === from + i) distinct++;
    }
    out[base] = distinct;
    out[base + 1] = visits;
    return base + 2;
  }
}
