import { type InventoryUpdateBatch, RowFlag, StateSection } from "../../../schema/index.ts";
import { SlotSet } from "../../operators/slot-set.ts";
import type { HotOutputs } from "../../sinks/hot-batch-writer.ts";
import type { Detector, DetectorDeps } from "../detector.ts";
import { DEMAND_STEPS, DemandRings } from "./demand.ts";
import { createInventoryOutputs, type StockUpdate } from "./inventory-outputs.ts";
import {
  LEVELS,
  type LevelConfig,
  levelOf,
  NO_REORDER_POINT,
  reorderQuantity,
  runoutTime,
} from "./stock-levels.ts";
import { StockLines } from "./stock-lines.ts";
import { StockUpdates, Update } from "./stock-updates.ts";

export interface InventoryConfig extends LevelConfig {
  readonly inventoryDemandMs: number;
}

export const INVENTORY = "inventory";
export const INVENTORY_TOPIC = "inventory-updates";
/** Hot namespace; key product → {@link InventoryRecord}. */
export const INVENTORY_RECORD = "inventory";

/** The stock of a product as of its newest updates. */
export interface InventoryRecord {
  readonly productId: string;
  readonly warehouses: readonly WarehouseStock[];
}

export interface WarehouseStock {
  readonly warehouseId: string;
  readonly stock: number;
  readonly level: (typeof LEVELS)[number];
  readonly reorderPoint: number | null;
  /** Event time of the newest update, ms. */
  readonly updateTime: number;
  /** Units taken in `demandMs` before the update's step of time. */
  readonly demandUnits: number;
  readonly demandMs: number;
  readonly runoutTime: number | null;
  readonly reorderQuantity: number;
}

const SKIPPED = RowFlag.duplicate | RowFlag.tooLate;
const NONE = -1;
/** A stock holds until its next update, which may be far away: what is sold out is hidden for as long. */
const STOCK_TTL_MS = 30 * 86_400_000;
/** Figures of a line as of its newest update, for the hot record. */
const NEWEST = 6;

/**
 * Stock by product and warehouse, in the order of event time: a late update is put in its place, what lies
 * behind it is reckoned anew, and what changed is corrected. Everything about a product is in one partition.
 */
export function followStock(config: InventoryConfig, deps: DetectorDeps): Detector {
  const { keys, outputs } = deps;
  const stepMs = Math.floor(config.inventoryDemandMs / DEMAND_STEPS);
  const state = new StateSection(INVENTORY);
  const lines = new StockLines(state, keys);
  const kept = new StockUpdates(state);
  const demands = new DemandRings(state, stepMs);
  const newest = state.float64("newest");
  const write = createInventoryOutputs(config, {
    outputs,
    productIds: keys.productId,
    outlook: deps.outlook ?? (() => null),
  });
  const changed = new SlotSet();

  function fold(batch: InventoryUpdateBatch, row: number, closeMs: number): void {
    const line = lines.lineOf(batch, row);
    const at = batch.updateTime.values[row];
    const quantity = batch.quantity.values[row];
    const isSnapshot = batch.kind.symbols[batch.kind.codes[row]] === "snapshot";
    const { valid, values: points } = batch.reorderPoint;
    const named = valid !== null && valid[row] === 0 ? NO_REORDER_POINT : points[row];
    kept.open(line);
    kept.settle(line, closeMs);
    kept.insert(line, { time: at, offset: batch.offset[row], isSnapshot, quantity, named });
    demands.add(line, at, isSnapshot ? 0 : Math.max(0, -quantity));
    reckon(line, batch.partition);
    changed.add(lines.productOf(line));
  }

  /** Reckons the line anew from its oldest kept update on, and reports what changed. */
  function reckon(line: number, partition: number): void {
    const { stock: opening, level: first, reorderPoint: point } = kept.before(line);
    let stock = opening;
    let level = first;
    let reorderPoint = point;
    for (const at of kept.of(line)) {
      const { values } = kept.updates;
      stock =
        values[at + Update.isSnapshot] === 1
          ? values[at + Update.quantity]
          : stock + values[at + Update.quantity];
      if (values[at + Update.named] !== NO_REORDER_POINT) reorderPoint = values[at + Update.named];
      const before = level;
      level = levelOf(config, stock, reorderPoint);
      const demand = demands.before(line, values[at + Update.time]);
      const update: StockUpdate = {
        product: lines.productOf(line),
        warehouseId: lines.warehouseOf(line),
        time: values[at + Update.time],
        partition,
        offset: values[at + Update.offset],
        isSnapshot: values[at + Update.isSnapshot] === 1,
        quantity: values[at + Update.quantity],
        ordinal: values[at + Update.ordinal],
        stock,
        reorderPoint,
        level,
        demand,
      };
      report(at, update, before === level ? NONE : level);
      noteNewest(line, update);
    }
  }

  /** @param alerted the level that the update changed to, or -1 */
  function report(at: number, update: StockUpdate, alerted: number): void {
    const { values } = kept.updates;
    const { stock, reorderPoint, level, demand } = update;
    const isRow =
      values[at + Update.revision] === 0 ||
      values[at + Update.stock] !== stock ||
      values[at + Update.reorderPoint] !== reorderPoint ||
      values[at + Update.level] !== level;
    const isDemand =
      values[at + Update.demandUnits] !== demand.units || values[at + Update.demandMs] !== demand.ms;
    const held = values[at + Update.alerted];
    kept.updates.mark(at);
    values[at + Update.alerted] = alerted;
    values[at + Update.stock] = stock;
    values[at + Update.reorderPoint] = reorderPoint;
    values[at + Update.level] = level;
    values[at + Update.demandUnits] = demand.units;
    values[at + Update.demandMs] = demand.ms;
    if (isRow) {
      values[at + Update.revision] += 1;
      write.writeStock(update, values[at + Update.revision]);
    }
    if (held !== NONE && held !== alerted) alert(at, update, held, "retracted");
    if (alerted !== NONE && (held !== alerted || isRow || isDemand)) alert(at, update, alerted, "raised");
  }

  function alert(at: number, update: StockUpdate, level: number, status: "raised" | "retracted"): void {
    const place = at + Update.alertRevisions + level;
    kept.updates.values[place] += 1;
    write.writeAlert(update, { level, status, revision: kept.updates.values[place] });
  }

  function noteNewest(line: number, { stock, level, reorderPoint, time: at, demand }: StockUpdate): void {
    newest.ensure((line + 1) * NEWEST);
    newest.values.set([stock, level, reorderPoint, at, demand.units, demand.ms], line * NEWEST);
    newest.markRange(line * NEWEST, (line + 1) * NEWEST);
  }

  function stockOf(line: number): WarehouseStock {
    const [stock, level, reorderPoint, updateTime, units, ms] = newest.values.subarray(line * NEWEST);
    const demand = { units, ms };
    return {
      warehouseId: lines.warehouseOf(line),
      stock,
      level: LEVELS[level],
      reorderPoint: reorderPoint === NO_REORDER_POINT ? null : reorderPoint,
      updateTime,
      demandUnits: units,
      demandMs: ms,
      runoutTime: runoutTime(stock, updateTime, demand),
      reorderQuantity: reorderQuantity(config, { stock, reorderPoint, level }, demand),
    };
  }

  function recordOf(product: number): InventoryRecord {
    const warehouses = [...lines.ofProduct(product)].map(stockOf);
    warehouses.sort((a, b) => (a.warehouseId < b.warehouseId ? -1 : 1));
    return { productId: keys.productId.text(product), warehouses };
  }

  return {
    steps: {
      [INVENTORY_TOPIC]: {
        name: INVENTORY,
        state,
        process(batch, from, to, { closeMs }) {
          for (let row = from; row < to; row++) {
            if ((batch.flags[row] & SKIPPED) === 0) fold(batch, row, closeMs);
          }
        },
        advance: () => undefined,
      },
    },
    markHot(from: number, to: number): void {
      for (let product = from; product < Math.min(to, keys.productId.size); product++)
        if (lines.hasProduct(product)) changed.add(product);
    },
    hotWaiting: () => changed.size,

    flushHot(hot: HotOutputs, keysMax: number): boolean {
      if (changed.size === 0) return false;
      const writer = hot.namespace(INVENTORY_RECORD, Math.max(STOCK_TTL_MS, deps.hotTtlMs));
      for (const product of changed.take(keysMax)) {
        writer.put(keys.productId.text(product), JSON.stringify(recordOf(product)));
      }
      return changed.size > 0;
    },
  };
}
