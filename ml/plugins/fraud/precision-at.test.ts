import { describe, expect, it } from "vitest";
import { DAY_MS, type PaymentTable } from "./payments.ts";
import { cardPrecision, precisionAt } from "./precision-at.ts";

describe("precision", () => {
  it("at a number of payments is the share of frauds among the highest scores", () => {
    const scored = { scores: Float64Array.of(0.1, 0.9, 0.8, 0.7), labels: Float64Array.of(1, 1, 0, 1) };
    expect(precisionAt(scored, 2)).toBe(1 / 2);
    expect(precisionAt(scored, 3)).toBe(2 / 3);
    expect(precisionAt(scored, 10)).toBe(3 / 4);
  });

  it("by cards counts a card once a day, and not again once it was found", () => {
    //          day 0                 day 1
    const customer = [0, 0, 1, 2, /**/ 0, 1, 2];
    const day = [0, 0, 0, 0, /*    */ 1, 1, 1];
    const scores = Float64Array.of(0.9, 0.2, 0.8, 0.1, /**/ 0.9, 0.2, 0.7);
    const labels = Float64Array.of(0, 1, 0, 0, /*     */ 1, 1, 1);
    const table: PaymentTable = {
      rows: 7,
      timeMs: Float64Array.from(day, (one) => one * DAY_MS),
      customer: Int32Array.from(customer),
      terminal: new Int32Array(7),
      amount: new Float64Array(7),
      fraud: Uint8Array.from(labels),
      file: new Uint8Array(7),
      customers: 3,
      terminals: 1,
    };
    const payments = Int32Array.from(customer.keys());
    // Day 0: cards 0 (fraud) and 1. Day 1, without card 0: cards 2 and 1, both fraud.
    expect(cardPrecision({ scores, labels }, payments, table, 2)).toBe((1 / 2 + 2 / 2) / 2);
  });
});
