import { wholeNumber } from "./field-values.ts";
import { columnPositions, type RowFormat } from "./format.ts";

const COLUMNS = ["timestamp", "visitorid", "event", "itemid", "transactionid"];
const TYPES: Readonly<Record<string, string>> = {
  view: "item_view",
  addtocart: "cart_add",
  transaction: "purchase",
};

/** RetailRocket's `events.csv`. Times are milliseconds; it has no prices. */
export const retailrocketFormat: RowFormat = {
  name: "retailrocket",
  doc: "RetailRocket events.csv: views, carts and transactions of visitors",
  topics: ["customer-events"],
  expected: COLUMNS.join(","),
  recognise(firstLine) {
    const positions = columnPositions(firstLine, ",", COLUMNS);
    if (positions === null) return null;
    const [time, visitor, event, item, transaction] = positions;
    return {
      delimiter: ",",
      header: true,
      createMapper: (context) => ({
        row(fields, line) {
          if (fields.length <= Math.max(time, visitor, event, item)) return "missing-columns";
          const eventType = TYPES[fields[event]];
          if (eventType === undefined) return "unknown-event-type";
          const ms = wholeNumber(fields[time]);
          if (ms === null || ms < 0) return "bad-time";
          if (fields[visitor] === "") return "missing-user";
          if (fields[item] === "") return "missing-product";
          context.emit("customer-events", fields[visitor], {
            eventId: context.eventId(line),
            eventType,
            eventTime: context.time(ms),
            userId: fields[visitor],
            productId: fields[item],
            orderId: fields[transaction] || undefined,
          });
          return null;
        },
      }),
    };
  },
};
