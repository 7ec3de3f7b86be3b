import { goldFlashSaleAlerts, goldFraudScores, type TableSpec } from "../../../schema/index.ts";
import {
  goldInventoryAlerts,
  goldOrderAlerts,
  type ShopTruth,
  type StockChange,
  silverOrders,
} from "../../../stream/index.ts";
import { newestRows } from "./final-rows.ts";
import { copyOf, type LakeReader, type Row } from "./lake-reader.ts";

/** What was planted of one kind, beside what the platform told of it. */
export interface TruthCheck {
  readonly name: string;
  readonly planted: number;
  /** Of those planted, how many were told of. */
  readonly found: number;
  readonly told: number;
  /** Of what was told, how much was planted. */
  readonly right: number;
  /** The least share of what is told that must be right, and of what is planted that must be found. */
  readonly least: { readonly precision: number; readonly recall: number };
}

const EXACT = { precision: 1, recall: 1 };
/** A flash sale is one from so many views on; what was cut off before is none. */
const FLASH_VIEWS = 100;
/** Rules on a card or device speak from the fifth order on. */
const RING_ORDERS = 5;
const NAME_WIDTH = 48;

/**
 * Holds what the lake's copy (schema `lake`) tells to what the generator planted. The figures of rules that
 * see a sign, not the plant itself, have a least value below 1: honest shoppers show the same sign at times,
 * and rules on cards and devices speak from the fifth order on.
 */
export async function checkTruth(reader: LakeReader, truth: ShopTruth): Promise<readonly TruthCheck[]> {
  const raised = (table: TableSpec, where = "true"): Promise<readonly Row[]> =>
    reader.rows(`FROM (${newestRows("lake", table)}) WHERE status = 'raised' AND ${where}`);
  const stock = async (kind: string, planted: readonly StockChange[]): Promise<TruthCheck> => {
    const told = await raised(goldInventoryAlerts, `kind = '${kind}'`);
    return compareSets(kind, {
      planted: planted.map(({ productId, time }) => `${productId} ${time}`),
      told: told.map(({ product_id, update_time }) => `${product_id} ${update_time}`),
    });
  };
  const unpaid = await reader.rows(`FROM (${newestRows("lake", silverOrders)}) WHERE payment_missing`);
  return [
    ...ringChecks(truth, await raised(goldOrderAlerts, "rule SIMILAR TO '(card|device)-velocity@.*'")),
    await modelCheck(reader, truth),
    flashSaleCheck(truth, await raised(goldFlashSaleAlerts)),
    compareSets("payment missing", { planted: truth.unpaidOrderIds, told: idsOf(unpaid) }),
    await stock("stock-out", truth.stockOuts),
    await stock("low-stock", truth.stockLows),
    await stock("stock-recovery", truth.restocks),
  ];
}

/** Rings told of by rules on cards and devices, and their orders. */
function ringChecks({ fraudRings }: ShopTruth, alerts: readonly Row[]): TruthCheck[] {
  const told = new Set(idsOf(alerts));
  const rings = fraudRings.filter(({ orderIds }) => orderIds.length >= RING_ORDERS);
  const planted = fraudRings.flatMap(({ orderIds }) => orderIds);
  const orders = compareSets("orders of rings, by rules", { planted, told: [...told] });
  const found = rings.filter(({ orderIds }) => orderIds.some((id) => told.has(id))).length;
  return [
    { ...orders, least: { precision: 0.85, recall: 0.6 } },
    {
      ...orders,
      name: "rings, by rules",
      planted: rings.length,
      found,
      least: { precision: 0.85, recall: 1 },
    },
  ];
}

async function modelCheck(reader: LakeReader, { fraudRings }: ShopTruth): Promise<TruthCheck> {
  const told = await reader.rows(`FROM ${copyOf("lake", goldFraudScores)} WHERE decision <> 'pass'`);
  const planted = fraudRings.flatMap(({ orderIds }) => orderIds);
  const orders = compareSets("orders of rings, by the model", { planted, told: idsOf(told) });
  return { ...orders, least: { precision: 0.95, recall: 0.95 } };
}

function flashSaleCheck(truth: ShopTruth, alerts: readonly Row[]): TruthCheck {
  const sales = truth.flashSales.filter(({ views }) => views > FLASH_VIEWS);
  const isOf = (alert: Row, { productId, startTime, endTime }: ShopTruth["flashSales"][number]): boolean =>
    alert.product_id === productId &&
    Number(alert.window_start) <= endTime &&
    Number(alert.window_end) > startTime;
  return {
    name: "flash sales",
    planted: sales.length,
    found: sales.filter((sale) => alerts.some((alert) => isOf(alert, sale))).length,
    told: alerts.length,
    right: alerts.filter((alert) => truth.flashSales.some((sale) => isOf(alert, sale))).length,
    least: { precision: 0.95, recall: 1 },
  };
}

function compareSets(
  name: string,
  sets: { readonly planted: readonly string[]; readonly told: readonly string[] },
): TruthCheck {
  const [planted, told] = [new Set(sets.planted), new Set(sets.told)];
  const both = [...planted].filter((one) => told.has(one)).length;
  return { name, planted: planted.size, found: both, told: told.size, right: both, least: EXACT };
}

function idsOf(rows: readonly Row[]): string[] {
  return rows.map(({ order_id }) => String(order_id));
}

export function precisionOf({ told, right }: TruthCheck): number {
  return told === 0 ? 1 : right / told;
}

export function recallOf({ planted, found }: TruthCheck): number {
  return planted === 0 ? 1 : found / planted;
}

/** One line a kind, for a person. */
export function truthTable(title: string, checks: readonly TruthCheck[]): string {
  const lines = checks.map((check) => {
    const counts = [check.planted, check.told].map((n) => String(n).padStart(8)).join("");
    const shares = [precisionOf(check), recallOf(check)].map((share) => share.toFixed(3).padStart(10));
    return `${check.name.padEnd(NAME_WIDTH)}${counts}${shares.join("")}`;
  });
  return [`${title.padEnd(NAME_WIDTH)} planted    told precision    recall`, ...lines].join("\n");
}
