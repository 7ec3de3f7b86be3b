import { Args, Resolver, Root, Subscription } from "type-graphql";
import type { Alert, PositionedAlert } from "../../../stream/index.ts";
import type { ApiContext } from "../common/context.ts";
import { AlertEvent, type AlertFigure, type AlertFilter, AlertsArgs } from "./type.ts";

@Resolver()
export class AlertsSubscription {
  @Subscription(() => AlertEvent, {
    description:
      "Alerts as they are raised, corrected and retracted; goes on from a cursor without loss or repeat.",
    subscribe: ({ args, context }: { args: AlertsArgs; context: ApiContext }) =>
      context.alertHub.subscribe({
        after: args.after ?? null,
        matches: alertMatcher(args.filter ?? {}),
        ...(context.closeSlow && { onSlow: context.closeSlow }),
      }),
  })
  alerts(@Root() positioned: PositionedAlert, @Args(() => AlertsArgs) _args: AlertsArgs): AlertEvent {
    const { alert, cursor } = positioned;
    return { ...alert, cursor, figures: Object.entries(alert.figures).map(toFigure) };
  }
}

/** Whether an alert passes a filter: all conditions given hold. */
export function alertMatcher(filter: AlertFilter): (alert: Alert) => boolean {
  const kinds = filter.kinds ? new Set(filter.kinds) : null;
  const severities = filter.severities ? new Set<string>(filter.severities) : null;
  const productId = filter.productId ?? null;
  const userId = filter.userId ?? null;
  return (alert) =>
    (kinds === null || kinds.has(alert.kind)) &&
    (severities === null || severities.has(alert.severity)) &&
    (productId === null || alert.productId === productId) &&
    (userId === null || alert.userId === userId);
}

function toFigure([name, value]: readonly [string, number | string]): AlertFigure {
  return typeof value === "number"
    ? { name, number: value, text: null }
    : { name, number: null, text: value };
}
