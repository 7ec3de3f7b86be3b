import type { EventContract } from "../events/contract.ts";
import { between, currencyCode, holds, oneOf } from "./checks.ts";
import type { QualityCheck } from "./quality-check.ts";

const MINUTE_MS = 60_000;
/** How long what refers to another topic may wait for it. */
const SETTLE_MS = 15 * MINUTE_MS;

/** What producers of a topic are held to beyond its contract, which takes any amount and any id. */
const OF_PRODUCERS: Readonly<Record<string, readonly QualityCheck[]>> = {
  "customer-events": [
    { name: "volume", kind: "volume", severity: "warn", per: "hour", least: 0.25, most: 4 },
  ],
  orders: [
    between("total_minor", 0, undefined, "warn"),
    between("item_count", 0, undefined, "warn"),
    { name: "volume", kind: "volume", severity: "warn", per: "day", least: 0.25, most: 4 },
  ],
  payments: [
    between("amount_minor", 0, undefined, "warn"),
    {
      name: "order-known",
      kind: "reference",
      severity: "warn",
      column: "order_id",
      where: "status <> 'refunded'",
      table: "bronze.orders",
      tableColumn: "order_id",
      daysBefore: 30,
      settleMs: SETTLE_MS,
    },
  ],
  "inventory-updates": [
    {
      name: "product-known",
      kind: "reference",
      severity: "warn",
      column: "product_id",
      table: "bronze.products",
      tableColumn: "product_id",
      settleMs: SETTLE_MS,
    },
  ],
};

/** What the contract says of values, and what producers should keep to. */
export function bronzeChecks({ topic, fields, timeField }: EventContract): readonly QualityCheck[] {
  const time = fields.find(({ name }) => name === timeField);
  return [
    ...fields.flatMap(({ column, type, symbols, min }) => {
      if (symbols !== null) return [oneOf(column, symbols)];
      // Other bounds are those of the type.
      if ((type === "int" || type === "long") && min !== null && min >= 0) return [between(column, min)];
      return column === "currency" ? [currencyCode(column)] : [];
    }),
    ...(time === undefined
      ? []
      : [holds("time-not-ahead", `date_diff('millisecond', _ingested_at, ${time.column}) <= :futureSkewMs`)]),
    ...(OF_PRODUCERS[topic] ?? []),
  ];
}
