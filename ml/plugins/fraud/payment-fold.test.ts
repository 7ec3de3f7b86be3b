import { describe, expect, it } from "vitest";
import { createRandom } from "../../training/random.ts";
import { FRAUD_FEATURES, foldPayments } from "./payment-fold.ts";
import { DAY_MS, type PaymentTable } from "./payments.ts";

const START = Date.UTC(2018, 3, 1);
const HOUR_MS = DAY_MS / 24;

interface Payment {
  readonly at: number;
  readonly customer?: number;
  readonly terminal?: number;
  readonly amount?: number;
  readonly fraud?: boolean;
}

function tableOf(payments: readonly Payment[]): PaymentTable {
  return {
    rows: payments.length,
    timeMs: Float64Array.from(payments, ({ at }) => START + at),
    customer: Int32Array.from(payments, ({ customer }) => customer ?? 0),
    terminal: Int32Array.from(payments, ({ terminal }) => terminal ?? 0),
    amount: Float64Array.from(payments, ({ amount }) => amount ?? 10),
    fraud: Uint8Array.from(payments, ({ fraud }) => (fraud === true ? 1 : 0)),
    file: new Uint8Array(payments.length),
    customers: 1 + Math.max(...payments.map(({ customer }) => customer ?? 0)),
    terminals: 1 + Math.max(...payments.map(({ terminal }) => terminal ?? 0)),
  };
}

function randomTable(rows: number, seed: number): PaymentTable {
  const random = createRandom(seed);
  let at = 0;
  return tableOf(
    Array.from({ length: rows }, () => {
      at += random() * 3 * HOUR_MS;
      return {
        at: Math.floor(at / 1000) * 1000,
        customer: Math.floor(random() * 8),
        terminal: Math.floor(random() * 10),
        amount: Math.round(10_000 * random() * (random() < 0.1 ? 5 : 1)) / 100,
        fraud: random() < 0.15,
      };
    }),
  );
}

function vectorsOf(table: PaymentTable): Float64Array[] {
  const vectors: Float64Array[] = [];
  foldPayments(
    table,
    () => true,
    (_, vector) => vectors.push(vector.slice()),
  );
  return vectors;
}

/** Features of the last payment, by name. */
function lastOf(payments: readonly Payment[]): Record<string, number> {
  const vector = vectorsOf(tableOf(payments)).at(-1) as Float64Array;
  return Object.fromEntries(FRAUD_FEATURES.map((name, j) => [name, vector[j]]));
}

describe("the fold of payments", () => {
  it("writes every feature that it names", () => {
    expect(new Set(FRAUD_FEATURES).size).toBe(FRAUD_FEATURES.length);
    const table = randomTable(2000, 1);
    const last = vectorsOf(table).slice(-500);
    FRAUD_FEATURES.forEach((name, j) => {
      const values = new Set(last.map((vector) => vector[j]));
      expect(values.size, name).toBeGreaterThan(1);
    });
  });

  it("lets no label into a vector before 7 days have passed", () => {
    const table = randomTable(3000, 2);
    const row = 2500;
    const now = table.timeMs[row];
    const young = table.fraud.map((label, i) => (table.timeMs[i] > now - 7 * DAY_MS ? 1 - label : label));
    const before = vectorsOf(table);
    const after = vectorsOf({ ...table, fraud: young });
    expect(young).not.toEqual(table.fraud);
    for (let i = 0; i <= row; i++) expect(after[i], `row ${i}`).toEqual(before[i]);
    expect(after.slice(row + 1)).not.toEqual(before.slice(row + 1));
  });

  it("takes nothing of a payment from the payments after it", () => {
    const table = randomTable(1000, 3);
    const rows = 600;
    const cut = { ...table, rows };
    expect(vectorsOf(cut)).toEqual(vectorsOf(table).slice(0, rows));
  });

  it("knows a label from the very second on", () => {
    const fraudThen = (at: number): number => lastOf([{ at: 0, fraud: true }, { at }]).terminal_run_length;
    expect(fraudThen(7 * DAY_MS - 1000)).toBe(0);
    expect(fraudThen(7 * DAY_MS)).toBe(1);
  });

  it("measures an amount by the customer's earlier ones, outliers cut", () => {
    const usual = [8, 12, 9, 11, 10, 10].map((amount, i) => ({ at: i * HOUR_MS, amount }));
    const first = lastOf([...usual, { at: 7 * HOUR_MS, amount: 50 }]);
    expect(first.customer_amount_to_median).toBe(5);
    expect(first.customer_amount_to_mean).toBeCloseTo(5, 12);
    expect(first.customer_amount_rank).toBe(1);
    expect(first.customer_days_since_outlier).toBeNaN();
    const second = lastOf([...usual, { at: 7 * HOUR_MS, amount: 50 }, { at: 31 * HOUR_MS, amount: 10 }]);
    expect(second.customer_days_since_outlier).toBe(1);
    expect(second.customer_outliers_in_spell).toBe(1);
    expect(second.customer_outliers_1d).toBe(0);
    expect(second.customer_outliers_7d).toBe(1);
    // (60 + 25) / 7: the outlier counts as 2.5 times the mean.
    expect(second.customer_mean).toBeCloseTo(85 / 7, 12);
  });

  it("counts what falls into windows of days", () => {
    const days = [0, 10, 24, 25, 29, 30, 30.1];
    const payments = days.map((day) => ({ at: day * DAY_MS, amount: 5 }));
    const last = lastOf([...payments, { at: 30.5 * DAY_MS }]);
    expect([last.customer_count_1d, last.customer_count_7d, last.customer_count_30d]).toEqual([2, 5, 6]);
    expect([last.terminal_count_1d, last.terminal_count_7d, last.terminal_count_30d]).toEqual([2, 5, 6]);
    expect(last.customer_hours_since_last).toBeCloseTo(0.4 * 24, 9);
    expect(last.terminal_mean_7d).toBe(5);
  });

  it("follows a terminal's run of known frauds", () => {
    const day = (at: number, fraud: boolean, amount = 10): Payment => ({ at: at * DAY_MS, fraud, amount });
    const run = [day(0, false), day(1, false), day(3, true), day(4, true, 90), day(5, true)];
    const during = lastOf([...run, day(12, false)]);
    expect(during).toMatchObject({
      terminal_last_label: 1,
      terminal_run_length: 3,
      terminal_run_ordinary: 2,
      terminal_run_began_days_ago: 9,
      terminal_run_gap_days: 2,
      terminal_last_genuine_days_ago: 11,
      terminal_fraud_share_of_5: 0.6,
      terminal_frauds_7d: 3,
    });
    expect(during.terminal_risk_7d).toBe(3 / 5);
    const after = lastOf([...run, day(6, false), day(14, false)]);
    expect(after).toMatchObject({
      terminal_last_label: 0,
      terminal_run_length: 0,
      terminal_genuine_since_fraud: 1,
      terminal_last_fraud_days_ago: 9,
    });
    expect(after.terminal_run_began_days_ago).toBeNaN();
  });

  it("says how many bytes it keeps", () => {
    const table = randomTable(100, 4);
    const { stateBytes } = foldPayments(
      table,
      () => false,
      () => {},
    );
    expect(stateBytes.customers / table.customers).toBeLessThan(1400);
    expect(stateBytes.terminals / table.terminals).toBeLessThan(1100);
  });
});
