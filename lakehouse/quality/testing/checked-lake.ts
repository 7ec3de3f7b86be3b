import {
  between,
  currencyCode,
  defineTable,
  holds,
  oneOf,
  type TableSpec,
  tableName,
} from "../../../schema/index.ts";
import type { PlainValue } from "../../parquet/testing/read-back.ts";
import type { Catalog } from "../../ports/catalog.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { StagedFile } from "../../ports/staged-file.ts";
import type { RetryOptions } from "../../table/commit-retry.ts";
import { createLakePublisher, ensureTables } from "../../table/index.ts";
import { stageRows } from "../../table/testing/stage-rows.ts";
import type { QualityOptions } from "../check-tables.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 5);
const MINUTES = 5 * 24 * 60;
const PARTITIONS = 2;

export type PlainRow = Record<string, PlainValue>;

/** The rows of each table of a checked lake. */
export interface CheckedRows {
  received: PlainRow[];
  kept: PlainRow[];
  sums: PlainRow[];
  products: PlainRow[];
}

/** Tables in which every kind of check has something to look at; names end with the suffix. */
export function checkedTables(suffix = ""): Readonly<Record<keyof CheckedRows, TableSpec>> {
  const received = `received${suffix}`;
  const kept = `kept${suffix}`;
  const products = `products_known${suffix}`;
  return {
    received: defineTable({
      namespace: "bronze",
      name: received,
      doc: "Events as they came, repeats included.",
      partitionByDayOf: "event_time",
      key: ["_partition", "_offset"],
      columns: EVENT_COLUMNS,
      checks: [{ name: "volume", kind: "volume", severity: "warn", per: "hour", least: 0.5, most: 2 }],
    }),
    kept: defineTable({
      namespace: "silver",
      name: kept,
      doc: "Events without repeats.",
      partitionByDayOf: "event_time",
      key: ["event_id", "user_id"],
      columns: [...EVENT_COLUMNS, ["is_late", "boolean", "required", "Whether it came late."]],
      checks: [
        { name: "product-named", kind: "nulls", severity: "error", columns: ["product_id"] },
        between("amount", 0, 1_000),
        oneOf("event_type", ["view", "buy"]),
        currencyCode("currency"),
        holds("time-not-ahead", "date_diff('millisecond', _ingested_at, event_time) <= :futureSkewMs"),
        // One in seven is more.
        { ...holds("amount-mostly-small", "amount < 106"), tolerance: 0.2 },
        {
          name: "product-known",
          kind: "reference",
          severity: "warn",
          column: "product_id",
          table: `bronze.${products}`,
          tableColumn: "product_id",
        },
        {
          name: "nothing-lost",
          kind: "reconciliation",
          severity: "error",
          compares: "complete",
          table: `bronze.${received}`,
          id: "event_id",
        },
        {
          name: "nothing-added",
          kind: "reconciliation",
          severity: "error",
          compares: "contained",
          table: `bronze.${received}`,
        },
        {
          name: "fresh",
          kind: "freshness",
          severity: "warn",
          table: `bronze.${received}`,
          settleMs: HOUR_MS,
        },
      ],
    }),
    sums: defineTable({
      namespace: "gold",
      name: `sums${suffix}`,
      doc: "What was bought of a product each minute.",
      partitionByDayOf: "window_start",
      key: ["product_id", "window_start"],
      columns: [
        ["window_start", "timestamptz", "required", "Start."],
        ["window_end", "timestamptz", "required", "End."],
        ["product_id", "string", "required", "The product."],
        ["amount", "long", "required", "Sum."],
        ["purchases", "int", "required", "Events."],
        ["revision", "int", "required", "Number."],
      ],
      checks: [
        {
          name: "equals-kept",
          kind: "reconciliation",
          severity: "error",
          compares: "sums",
          table: `silver.${kept}`,
          where: "event_type = 'buy'",
          windowMs: "sumsWindowMs",
          groups: { product_id: "product_id" },
          totals: { amount: "amount", purchases: "1" },
        },
        {
          name: "fresh",
          kind: "freshness",
          severity: "warn",
          column: "window_end",
          table: `silver.${kept}`,
          where: "event_type = 'buy'",
          settleMs: HOUR_MS,
        },
      ],
    }),
    products: defineTable({
      namespace: "bronze",
      name: products,
      doc: "Products.",
      partitionByDayOf: "update_time",
      key: ["product_id"],
      columns: [
        ["product_id", "string", "required", "The product."],
        ["update_time", "timestamptz", "required", "When it changed."],
      ],
    }),
  };
}

const EVENT_COLUMNS: TableColumns = [
  ["event_id", "string", "required", "Id."],
  ["event_time", "timestamptz", "required", "Time."],
  ["event_type", "string", "required", "view or buy."],
  ["user_id", "string", "required", "The shopper."],
  ["product_id", "string", "optional", "The product."],
  ["amount", "long", "optional", "Amount."],
  ["currency", "string", "optional", "Currency."],
  ["_partition", "int", "required", "Log partition."],
  ["_offset", "long", "required", "Log offset."],
  ["_ingested_at", "timestamptz", "required", "When it came."],
];
type TableColumns = Parameters<typeof defineTable>[0]["columns"];

/** Rows of five days, one event a minute, in which nothing is wrong. */
export function soundRows(): CheckedRows {
  const rows: CheckedRows = { received: [], kept: [], sums: [], products: [] };
  const offsets = Array.from({ length: PARTITIONS }, () => 0);
  for (let p = 0; p < 10; p++)
    rows.products.push({ product_id: `p${p}`, update_time: START_MS - 90 * DAY_MS });
  for (let i = 0; i < MINUTES; i++) {
    const event_time = START_MS + i * MINUTE_MS;
    const _partition = i % PARTITIONS;
    const event: PlainRow = {
      event_id: `e${i}`,
      event_time,
      event_type: i % 3 === 0 ? "buy" : "view",
      user_id: `u${i % 50}`,
      product_id: `p${i % 10}`,
      amount: 100 + (i % 7),
      currency: "EUR",
      _partition,
      _offset: offsets[_partition]++,
      _ingested_at: event_time + 1_000,
    };
    rows.received.push(event);
    // Late ones of every other hour came too late to be counted.
    const is_late = i % 97 === 0;
    rows.kept.push({ ...event, is_late });
    if (i % 500 === 7) rows.received.push({ ...event, _offset: offsets[_partition]++ });
    const isCounted = event.event_type === "buy" && !(is_late && Math.floor(i / 60) % 2 === 0);
    if (!isCounted) continue;
    const window = {
      window_start: event_time,
      window_end: event_time + MINUTE_MS,
      product_id: event.product_id,
      amount: event.amount,
      purchases: 1,
    };
    // Reported once with another figure, and corrected.
    if (i % 11 === 0) rows.sums.push({ ...window, amount: 1, revision: 1 }, { ...window, revision: 2 });
    else rows.sums.push({ ...window, revision: 1 });
  }
  return rows;
}

/** Place of an event of the last hours whose type is `view`, n-th from the end. */
function viewAt(rows: PlainRow[], n: number): number {
  const views = rows.flatMap(({ event_type, is_late }, i) =>
    event_type === "view" && is_late !== true ? [i] : [],
  );
  return views[views.length - 100 - n];
}

/** What can be wrong with the rows, by the check that has to find it, as `TABLE CHECK`. */
export const FAULTS: Readonly<
  Record<string, { readonly measured: number; readonly plant: (rows: CheckedRows) => void }>
> = {
  // An id that is empty is also one that is missing.
  "kept keys-present": {
    measured: 1,
    plant: ({ kept }) => {
      kept[viewAt(kept, 0)].user_id = "";
    },
  },
  "kept product-named": {
    measured: 1,
    plant: ({ kept }) => {
      kept[viewAt(kept, 1)].product_id = null;
    },
  },
  "kept amount-mostly-small": {
    // All views of the last two days, and one in seven of what was bought.
    measured: 1920 + 137,
    plant: ({ kept }) => {
      for (const row of kept) if (row.event_type === "view") row.amount = 106;
    },
  },
  "kept amount-in-range": {
    measured: 2,
    plant: ({ kept }) => {
      kept[viewAt(kept, 2)].amount = -1;
      kept[viewAt(kept, 3)].amount = 1_001;
    },
  },
  "kept event-type-known": {
    measured: 1,
    plant: ({ kept }) => {
      kept[viewAt(kept, 4)].event_type = "gift";
    },
  },
  "kept currency-format": {
    measured: 3,
    plant: ({ kept }) => {
      kept[viewAt(kept, 5)].currency = "eur";
      kept[viewAt(kept, 6)].currency = "EURO";
      kept[viewAt(kept, 7)].currency = "";
    },
  },
  "kept time-not-ahead": {
    measured: 1,
    plant: ({ kept }) => {
      const row = kept[viewAt(kept, 8)];
      row._ingested_at = Number(row.event_time) - 3_600_001;
    },
  },
  "kept key-unique": { measured: 1, plant: ({ kept }) => void kept.push({ ...kept[viewAt(kept, 9)] }) },
  "kept product-known": {
    measured: 1,
    plant: ({ kept }) => {
      kept[viewAt(kept, 10)].product_id = "p99";
    },
  },
  "kept nothing-lost": { measured: 1, plant: ({ kept }) => void kept.splice(viewAt(kept, 11), 1) },
  "kept nothing-added": {
    measured: 1,
    plant: ({ received }) => void received.splice(viewAt(received, 12), 1),
  },
  "kept fresh": {
    // From the last row that is left to the last one an hour behind the watermark, that of partition 0.
    measured: 58 * MINUTE_MS,
    plant: ({ kept }) => void kept.splice(-120),
  },
  "sums equals-kept": {
    measured: 2,
    plant: (rows) => {
      const starts = [6_600, 6_603].map((minute) => START_MS + minute * MINUTE_MS);
      rows.sums = rows.sums.filter(({ window_start }) => window_start !== starts[0]);
      const wrong = rows.sums.find(({ window_start }) => window_start === starts[1]);
      Object.assign(wrong ?? {}, { amount: 9_999, revision: 3 });
    },
  },
  "sums fresh": {
    measured: 119 * MINUTE_MS,
    plant: (rows) => {
      const until = START_MS + (MINUTES - 180) * MINUTE_MS;
      rows.sums = rows.sums.filter(({ window_start }) => Number(window_start) < until);
    },
  },
  "sums window-forward": {
    measured: 1,
    plant: ({ sums }) => {
      const row = sums[sums.length - 200];
      row.window_end = Number(row.window_start);
    },
  },
  "received volume": {
    measured: 10,
    plant: (rows) => {
      const hour = START_MS + MINUTES * MINUTE_MS - 2 * HOUR_MS;
      const keeps = ({ event_time, event_type }: PlainRow): boolean =>
        Number(event_time) < hour + 10 * MINUTE_MS ||
        Number(event_time) >= hour + HOUR_MS ||
        event_type === "none";
      rows.received = rows.received.filter(keeps);
      rows.kept = rows.kept.filter(keeps);
      rows.sums = rows.sums.filter(({ window_start }) =>
        keeps({ event_time: window_start, event_type: "buy" }),
      );
    },
  },
};

/** What a run over the tables takes. */
export function checkedOptions(tables: ReturnType<typeof checkedTables>): QualityOptions {
  return {
    tables: Object.values(tables),
    watermarkTable: tableName(tables.received),
    since: null,
    days: 2,
    settings: { futureSkewMs: HOUR_MS, sumsWindowMs: MINUTE_MS },
    allowedLatenessMs: MINUTE_MS,
    outOfOrdernessMs: 2_000,
    // The lake is history.
    clock: () => START_MS + 30 * DAY_MS,
  };
}

export interface CheckedLakeDeps extends RetryOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  readonly clock: () => number;
}

/** Commits the rows to new tables, with our own writer. */
export async function writeCheckedLake(
  tables: ReturnType<typeof checkedTables>,
  rows: CheckedRows,
  deps: CheckedLakeDeps,
): Promise<void> {
  const specs = Object.values(tables);
  await ensureTables(specs, deps);
  const files: StagedFile[] = [];
  for (const [name, spec] of Object.entries(tables))
    files.push(...(await stage(spec, rows[name as keyof CheckedRows], deps.objectStore)));
  await createLakePublisher({ ...deps, tables: specs }).publish([{ taskId: "rows", epoch: 1, files }]);
}

/** A file a day. */
async function stage(
  spec: TableSpec,
  rows: readonly PlainRow[],
  objectStore: ObjectStore,
): Promise<StagedFile[]> {
  const byDay = Map.groupBy(rows, (row) => Math.floor(Number(row[spec.partitionByDayOf]) / DAY_MS));
  const files: StagedFile[] = [];
  for (const ofDay of byDay.values()) {
    const values = ofDay.map((row) => spec.columns.map(({ name }) => row[name] ?? null));
    files.push(await stageRows(spec, values, objectStore));
  }
  return files;
}
