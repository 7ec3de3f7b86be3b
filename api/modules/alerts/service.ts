import { goldFlashSaleAlerts } from "../../../schema/index.ts";
import { goldOrderAlerts } from "../../../stream/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page } from "../common/types.ts";
import type {
  AlertSeverity,
  AlertStatus,
  FlashSaleAlert,
  FlashSaleAlertsArgs,
  OrderAlert,
  OrderAlertsArgs,
} from "./type.ts";

export class AlertsService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
  }

  /** Flash-sale alerts of the lake at their highest revision, newest window first. */
  flashSales(args: FlashSaleAlertsArgs): Promise<Page<FlashSaleAlert>> {
    const query = {
      connection: "flashSaleAlerts",
      table: goldFlashSaleAlerts,
      page: args,
      keyset: [
        { column: "window_start", type: "time" },
        { column: "alert_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("product_id", "=", args.productId)
        .within("window_start", args.from, args.to),
      toNode: toFlashSale,
    } as const;
    return this.lake.page(args.includeRetracted ? query : { ...query, holding: "status <> 'retracted'" });
  }

  /** Orders that rules found suspicious, newest first. */
  orders(args: OrderAlertsArgs): Promise<Page<OrderAlert>> {
    return this.lake.page({
      connection: "orderAlerts",
      table: goldOrderAlerts,
      page: args,
      keyset: [
        { column: "order_time", type: "time" },
        { column: "alert_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", args.userId)
        .oneOf("severity", args.severities)
        .within("order_time", args.from, args.to),
      holding: "status <> 'retracted'",
      toNode: toOrderAlert,
    });
  }
}

function toFlashSale(row: Row): FlashSaleAlert {
  return {
    id: text(row, "alert_id"),
    windowStart: time(row, "window_start"),
    windowEnd: time(row, "window_end"),
    productId: text(row, "product_id"),
    views: number(row, "views"),
    purchases: number(row, "purchases"),
    status: text(row, "status") as AlertStatus,
    revision: number(row, "revision"),
  };
}

function toOrderAlert(row: Row): OrderAlert {
  return {
    id: text(row, "alert_id"),
    rule: text(row, "rule"),
    orderId: text(row, "order_id"),
    userId: text(row, "user_id"),
    orderTime: time(row, "order_time"),
    reason: text(row, "reason"),
    severity: text(row, "severity") as AlertSeverity,
  };
}
