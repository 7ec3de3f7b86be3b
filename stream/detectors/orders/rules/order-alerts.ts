import type { Alert } from "../../../ports/alert-bus.ts";
import type { OperatorOutputs } from "../../../runtime/operator.ts";
import { goldOrderAlerts } from "./order-alerts-table.ts";

/** What a rule saw. */
export interface Finding {
  /** `ID@VERSION`. */
  readonly rule: string;
  readonly severity: Alert["severity"];
  readonly reason: string;
  readonly figures: Alert["figures"];
}

export interface JudgedOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly orderTime: number;
}

/** Writes a finding as a row and as an alert of one id. */
export function createOrderAlerts(outputs: OperatorOutputs) {
  const rows = outputs.openRows(goldOrderAlerts);
  const out = {
    alertId: rows.text("alert_id"),
    rule: rows.text("rule"),
    orderId: rows.text("order_id"),
    userId: rows.text("user_id"),
    orderTime: rows.float64("order_time"),
    reason: rows.text("reason"),
    severity: rows.text("severity"),
    status: rows.text("status"),
    revision: rows.int32("revision"),
  };

  return function report(
    { orderId, userId, orderTime }: JudgedOrder,
    { rule, severity, reason, figures }: Finding,
    status: Alert["status"] = "raised",
    revision = 1,
  ): void {
    const id = `${rule}:${orderId}`;
    const row = rows.next();
    rows.setText(out.alertId, row, id);
    rows.setText(out.rule, row, rule);
    rows.setText(out.orderId, row, orderId);
    rows.setText(out.userId, row, userId);
    out.orderTime.values[row] = orderTime;
    rows.setText(out.reason, row, reason);
    rows.setText(out.severity, row, severity);
    rows.setText(out.status, row, status);
    out.revision.values[row] = revision;
    outputs.emitAlert({
      id,
      revision,
      status,
      kind: rule.slice(0, rule.lastIndexOf("@")),
      severity,
      title: `Order ${orderId} of ${userId}: ${reason}`,
      userId,
      productId: null,
      orderId,
      eventTime: orderTime,
      windowStart: null,
      windowEnd: null,
      figures,
    });
  };
}
