import { describe, expect, it } from "vitest";
import { splitPayments } from "./payment-split.ts";
import { DAY_MS, type PaymentTable } from "./payments.ts";

const FIRST_DAY = 17_622;

/** Every day a genuine payment of customer 0 and a fraud of a customer of its own. */
function dailyTable(days: number, options: { readonly testFrom?: number } = {}): PaymentTable {
  const rows = 2 * days;
  const each = <T>(of: (day: number, isFraud: boolean) => T): T[] =>
    Array.from({ length: rows }, (_, row) => of(row >> 1, row % 2 === 1));
  return {
    rows,
    timeMs: Float64Array.from(each((day, isFraud) => (FIRST_DAY + day) * DAY_MS + (isFraud ? 1000 : 0))),
    customer: Int32Array.from(each((day, isFraud) => (isFraud ? day + 1 : 0))),
    terminal: new Int32Array(rows),
    amount: new Float64Array(rows).fill(1),
    fraud: Uint8Array.from(each((_, isFraud) => (isFraud ? 1 : 0))),
    file: Uint8Array.from(each((day) => (day >= (options.testFrom ?? days) ? 1 : 0))),
    customers: days + 1,
    terminals: 1,
  };
}

describe("splitPayments", () => {
  it("cuts the last 7 days of one file, and ends the training 8 days before them", () => {
    const split = splitPayments(dailyTable(100));
    expect(split.testFromDay - FIRST_DAY).toBe(93);
    expect(split.trainToDay - FIRST_DAY).toBe(85);
    expect(split.trainFromDay - FIRST_DAY).toBe(30);
    const roles = Array.from({ length: 100 }, (_, day) => split.roleOf(2 * day));
    expect(roles.slice(0, 30)).toEqual(new Array(30).fill("fold-only"));
    expect(roles.slice(30, 79)).toEqual(new Array(49).fill("train"));
    expect(roles.slice(79, 86)).toEqual(new Array(7).fill("hold-out"));
    expect(roles.slice(86, 93)).toEqual(new Array(7).fill("fold-only"));
    expect(roles.slice(93)).toEqual(new Array(7).fill("test"));
  });

  it("tests on the second file", () => {
    const split = splitPayments(dailyTable(100, { testFrom: 90 }));
    expect(split.testFromDay - FIRST_DAY).toBe(90);
    expect(split.trainToDay - FIRST_DAY).toBe(82);
    expect(split.roleOf(2 * 89)).toBe("fold-only");
  });

  it("is the same whether the test is a file of its own or the end of the only one", () => {
    const whole = splitPayments(dailyTable(100));
    const parted = splitPayments(dailyTable(100, { testFrom: 93 }));
    for (let row = 0; row < 200; row++) expect(parted.roleOf(row)).toBe(whole.roleOf(row));
  });

  it("leaves customers out from the day on which a fraud of the last weeks is known", () => {
    const table = dailyTable(100);
    /** Customer 1 pays on that day, and had a fraud on the other. */
    const roleWithFraudOn = (fraudDay: number, day: number): string => {
      const customer = table.customer.slice();
      customer[2 * fraudDay + 1] = 1;
      customer[2 * day] = 1;
      return splitPayments({ ...table, customer }).roleOf(2 * day);
    };
    expect(roleWithFraudOn(78, 93)).toBe("test"); // 15 days before the test: forgotten
    expect(roleWithFraudOn(79, 93)).toBe("fold-only");
    expect(roleWithFraudOn(85, 93)).toBe("fold-only");
    expect(roleWithFraudOn(86, 93)).toBe("test"); // known after the day's first payment
    expect(roleWithFraudOn(86, 94)).toBe("fold-only");
  });

  it.each([
    ["too few days", dailyTable(12)],
    ["no frauds", { ...dailyTable(60), fraud: new Uint8Array(120) }],
    ["only frauds", { ...dailyTable(60), fraud: new Uint8Array(120).fill(1) }],
  ])("refuses payments with %s", (_, table) => {
    expect(() => splitPayments(table)).toThrow(
      expect.objectContaining({ code: "dataset-unusable", origin: "user" }),
    );
  });
});
