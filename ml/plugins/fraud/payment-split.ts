import { MillraceError } from "../../../schema/index.ts";
import { DAY_MS, type PaymentTable } from "./payments.ts";
import { LABEL_DELAY_DAYS } from "./terminal-history.ts";

/** Days of a test that is cut from the end of a single file. */
const TEST_DAYS = 7;

/** Days at the start whose vectors know too little to be learnt from; they are only folded. */
const WARM_UP_DAYS = 30;

/** Days before the test's start from which on a known fraud leaves a customer out of the test. */
const COMPROMISED_DAYS = 14;

export type PaymentRole = "fold-only" | "train" | "hold-out" | "test";

/** What each payment is for; days are counted from the epoch, all inclusive. */
export interface PaymentSplit {
  readonly trainFromDay: number;
  readonly trainToDay: number;
  /** The last days of the training, for choices that rows of the fit cannot make. */
  readonly holdOutFromDay: number;
  readonly testFromDay: number;
  readonly testToDay: number;
  roleOf(row: number): PaymentRole;
}

/**
 * The handbook's split: the training ends 8 days before the test begins, when its labels are known;
 * a customer with a fraud that is known on a day of the test is left out of it from that day on. The
 * test is the second file, or the last 7 days of the only one. Throws code `dataset-unusable` where
 * the training or the test would have no frauds or nothing else.
 */
export function splitPayments(table: PaymentTable): PaymentSplit {
  const dayOf = (row: number): number => Math.floor(table.timeMs[row] / DAY_MS);
  const firstDay = dayOf(0);
  const testToDay = dayOf(table.rows - 1);
  const testFile = table.file.includes(1) ? 1 : 0;
  const testFromDay = testFile === 1 ? dayOf(table.file.indexOf(1)) : testToDay - TEST_DAYS + 1;
  const trainToDay = testFromDay - LABEL_DELAY_DAYS - 1;
  // Little data: better a cold start than nothing to learn from.
  const trainFromDay = firstDay + Math.min(WARM_UP_DAYS, Math.max(0, (trainToDay - firstDay) >> 1));
  const holdOutFromDay = trainToDay - Math.min(TEST_DAYS, (trainToDay - trainFromDay) >> 1) + 1;
  const known = firstKnownFrauds(table, testFromDay - COMPROMISED_DAYS);

  function roleOf(row: number): PaymentRole {
    const day = dayOf(row);
    if (day >= testFromDay) {
      if (table.file[row] !== testFile) return "fold-only";
      return (known.get(table.customer[row]) ?? day) + LABEL_DELAY_DAYS < day ? "fold-only" : "test";
    }
    if (day < trainFromDay || day > trainToDay || table.file[row] !== 0) return "fold-only";
    return day < holdOutFromDay ? "train" : "hold-out";
  }

  const split = { trainFromDay, trainToDay, holdOutFromDay, testFromDay, testToDay, roleOf };
  requireBothClasses(table, split);
  return split;
}

/** Day of each customer's first fraud from `fromDay` on. */
function firstKnownFrauds(table: PaymentTable, fromDay: number): Map<number, number> {
  const first = new Map<number, number>();
  for (let row = 0; row < table.rows; row++) {
    const day = Math.floor(table.timeMs[row] / DAY_MS);
    if (table.fraud[row] === 1 && day >= fromDay && !first.has(table.customer[row])) {
      first.set(table.customer[row], day);
    }
  }
  return first;
}

function requireBothClasses(table: PaymentTable, split: PaymentSplit): void {
  const counts: Record<PaymentRole, [number, number]> = {
    "fold-only": [0, 0],
    train: [0, 0],
    "hold-out": [0, 0],
    test: [0, 0],
  };
  for (let row = 0; row < table.rows; row++) counts[split.roleOf(row)][table.fraud[row]]++;
  for (const role of ["train", "hold-out", "test"] as const) {
    const [genuine, frauds] = counts[role];
    if (genuine > 0 && frauds > 0) continue;
    throw new MillraceError(
      `the payments cannot be used: ${genuine} genuine and ${frauds} fraudulent ones remain for the ${role} part, and each part needs both; give more days (the training ends ${LABEL_DELAY_DAYS + 1} days before the test begins)`,
      { code: "dataset-unusable", origin: "user" },
    );
  }
}
