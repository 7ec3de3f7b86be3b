import type { Alert } from "./alert-bus.ts";

/** An alert of that id. */
export function alertOf(id: string, revision = 1): Alert {
  return {
    id,
    revision,
    status: "raised",
    kind: "flash-sale",
    severity: "high",
    title: `Flash sale candidate ${id} – ünï😀`,
    userId: null,
    productId: "p-1",
    orderId: null,
    eventTime: 1_700_000_000_000,
    windowStart: 1_699_999_940_000,
    windowEnd: 1_700_000_000_000,
    figures: { views: 120, currency: "EUR" },
  };
}
