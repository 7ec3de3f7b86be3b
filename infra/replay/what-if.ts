import { join } from "node:path";
import type { QueryEngine } from "../../lakehouse/index.ts";
import { createModelRegistry } from "../../ml/index.ts";
import { bronzeTable, orderContract, tableName } from "../../schema/index.ts";
import type { Alert } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import type { Adapters } from "../platform/adapters.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import type { ReplayRange } from "./bronze-log.ts";
import { loggedAlerts } from "./logged-alerts.ts";
import { replayBronze } from "./replay-bronze.ts";
import { standingAlerts } from "./standing-alerts.ts";

export interface WhatIf {
  readonly engine: QueryEngine;
  readonly adapters: Pick<Adapters, "objects">;
  readonly range: ReplayRange;
  /** As things are, and as they would be: settings, and versions of models by plugin. */
  readonly baseline: WhatIfCase;
  readonly changed: WhatIfCase;
  /** Takes both replays; to be deleted by the caller. */
  readonly folder: string;
  readonly clock: () => number;
  readonly stopwatch: () => number;
  readonly onProgress?: (what: "baseline" | "changed", records: number, ofRecords: number) => void;
  readonly signal?: AbortSignal;
}

export interface WhatIfCase {
  readonly config: Config;
  readonly models: Readonly<Record<string, string>>;
}

/** Money of the orders that alerts name, minor units by currency; each order once. */
export type Money = Readonly<Record<string, number>>;

export interface AlertChanges {
  readonly kind: string;
  readonly baseline: number;
  readonly changed: number;
  /** Alerts that only the changed run has, and only the baseline has. */
  readonly gained: number;
  readonly lost: number;
  readonly gainedMoney: Money;
  readonly lostMoney: Money;
}

export interface WhatIfReport {
  readonly records: number;
  readonly complete: boolean;
  /** By kind of alert; kinds without an alert in either run are left out. */
  readonly kinds: readonly AlertChanges[];
  /** A few of the alerts that differ. */
  readonly examples: { readonly gained: readonly Alert[]; readonly lost: readonly Alert[] };
}

const EXAMPLES_MAX = 10;
const ORDERS_A_QUERY = 500;

/**
 * Runs the pipelines twice over the same history, as things are and changed, and says which alerts
 * that gains and loses, and the money of the orders behind them. Both are replays, so that what
 * differs is the change alone. Nothing of the lake, the hot store or the alerts that are live is written.
 */
export async function runWhatIf(whatIf: WhatIf): Promise<WhatIfReport> {
  const baseline = await runCase(whatIf, "baseline");
  const changed = baseline.complete ? await runCase(whatIf, "changed") : baseline;
  const gained = only(changed.alerts, baseline.alerts);
  const lost = only(baseline.alerts, changed.alerts);
  const totals = await orderTotals(whatIf.engine, [...gained, ...lost]);
  const kinds = [...baseline.alerts.values(), ...changed.alerts.values()].map(({ kind }) => kind);
  return {
    records: baseline.records,
    complete: changed.complete,
    kinds: [...new Set(kinds)].sort().map((kind) => {
      const of = (alerts: Iterable<Alert>): Alert[] => [...alerts].filter((alert) => alert.kind === kind);
      return {
        kind,
        baseline: of(baseline.alerts.values()).length,
        changed: of(changed.alerts.values()).length,
        gained: of(gained).length,
        lost: of(lost).length,
        gainedMoney: moneyOf(of(gained), totals),
        lostMoney: moneyOf(of(lost), totals),
      };
    }),
    examples: { gained: gained.slice(0, EXAMPLES_MAX), lost: lost.slice(0, EXAMPLES_MAX) },
  };
}

async function runCase(whatIf: WhatIf, what: "baseline" | "changed") {
  const { engine, range, clock, stopwatch, onProgress, signal, folder } = whatIf;
  const { config, models } = whatIf[what];
  const home = join(folder, what);
  const { records, complete } = await replayBronze({
    engine,
    config,
    range,
    registry: createModelRegistry(whatIf.adapters.objects),
    models,
    home,
    clock,
    stopwatch,
    ...(onProgress && { onProgress: (done, of) => onProgress(what, done, of) }),
    ...(signal && { signal }),
  });
  const side = openEmbeddedAdapters(home, clock);
  try {
    return { records, complete, alerts: standingAlerts(await loggedAlerts(side.log)) };
  } finally {
    await side.close();
  }
}

/**
 * Alerts of the first that the second does not have. A rule's version is in the alert's id, but the same
 * finding of a changed rule is no news: ids are compared without it.
 */
function only(alerts: ReadonlyMap<string, Alert>, others: ReadonlyMap<string, Alert>): Alert[] {
  const known = new Set([...others.keys()].map(withoutVersion));
  return [...alerts.values()].filter(({ id }) => !known.has(withoutVersion(id)));
}

function withoutVersion(id: string): string {
  return id.replace(/@\d+/, "");
}

interface OrderTotal {
  readonly currency: string;
  readonly totalMinor: number;
}

async function orderTotals(
  engine: QueryEngine,
  alerts: readonly Alert[],
): Promise<ReadonlyMap<string, OrderTotal>> {
  const ids = [...new Set(alerts.flatMap(({ orderId }) => orderId ?? []))];
  const totals = new Map<string, OrderTotal>();
  for (let from = 0; from < ids.length; from += ORDERS_A_QUERY) {
    const some = ids.slice(from, from + ORDERS_A_QUERY);
    const { rows } = await engine.query(
      `SELECT order_id, max(currency) AS currency, max(total_minor) AS total_minor
       FROM {${tableName(bronzeTable(orderContract))}}
       WHERE order_id IN (${some.map((_, i) => `$${i + 1}`).join(", ")}) GROUP BY order_id`,
      some,
    );
    for (const row of rows)
      totals.set(String(row.order_id), {
        currency: String(row.currency),
        totalMinor: Number(row.total_minor),
      });
  }
  return totals;
}

function moneyOf(alerts: readonly Alert[], totals: ReadonlyMap<string, OrderTotal>): Money {
  const money: Record<string, number> = {};
  for (const orderId of new Set(alerts.map((alert) => alert.orderId))) {
    const order = orderId === null ? undefined : totals.get(orderId);
    if (order !== undefined) money[order.currency] = (money[order.currency] ?? 0) + order.totalMinor;
  }
  return money;
}
