import { CUSTOMER_FEATURES, CustomerHistory } from "./customer-history.ts";
import { DAY_MS, type PaymentTable } from "./payments.ts";
import { LABEL_DELAY_DAYS, TERMINAL_FEATURES, TerminalHistory } from "./terminal-history.ts";

const LABEL_DELAY_MS = LABEL_DELAY_DAYS * DAY_MS;
const PAYMENT_FEATURES = ["amount", "is_night", "is_weekend"] as const;

/**
 * No feature only ever grows (payments of a customer so far, labels of a terminal so far): in the test
 * it would lie outside of what training saw.
 */
export const FRAUD_FEATURES: readonly string[] = [
  ...PAYMENT_FEATURES,
  ...CUSTOMER_FEATURES,
  ...TERMINAL_FEATURES,
];

export interface FoldSummary {
  /** Of the fold's state, by what it is kept for. */
  readonly stateBytes: { readonly customers: number; readonly terminals: number };
}

/**
 * Folds payments in time order and shows each payment's vector as it was at that moment: from earlier
 * payments, and from labels of payments that are at least 7 days old. `onVector` must copy what it
 * keeps of `vector`; it is called for the rows that `isWanted`.
 */
export function foldPayments(
  table: PaymentTable,
  isWanted: (row: number) => boolean,
  onVector: (row: number, vector: Float64Array) => void,
): FoldSummary {
  const customers = new CustomerHistory(table.customers);
  const terminals = new TerminalHistory(table.terminals);
  const vector = new Float64Array(FRAUD_FEATURES.length);
  const ratios = new Float32Array(table.rows);
  let labelled = 0;
  for (let row = 0; row < table.rows; row++) {
    const timeMs = table.timeMs[row];
    for (; table.timeMs[labelled] <= timeMs - LABEL_DELAY_MS; labelled++) {
      const fraud = table.fraud[labelled] === 1;
      const [then, ratio] = [table.timeMs[labelled], ratios[labelled]];
      customers.learn(table.customer[labelled], then, ratio, fraud);
      terminals.learn(table.terminal[labelled], then, ratio, fraud);
    }
    const customer = table.customer[row];
    const terminal = table.terminal[row];
    const amount = table.amount[row];
    if (isWanted(row)) {
      readPayment(timeMs, amount, vector);
      customers.read(customer, terminal, timeMs, amount, vector, PAYMENT_FEATURES.length);
      terminals.read(terminal, timeMs, amount, vector, PAYMENT_FEATURES.length + CUSTOMER_FEATURES.length);
      onVector(row, vector);
    }
    ratios[row] = customers.ratio(customer, amount);
    customers.add(customer, terminal, timeMs, amount);
    terminals.add(terminal, timeMs, amount, ratios[row]);
  }
  return { stateBytes: { customers: customers.bytes, terminals: terminals.bytes } };
}

function readPayment(timeMs: number, amount: number, out: Float64Array): void {
  const hour = (timeMs % DAY_MS) / 3_600_000;
  // The epoch began on a Thursday: days 2 and 3 after it were the weekend.
  const weekday = Math.floor(timeMs / DAY_MS) % 7;
  out[0] = amount;
  out[1] = hour < 7 ? 1 : 0;
  out[2] = weekday === 2 || weekday === 3 ? 1 : 0;
}
