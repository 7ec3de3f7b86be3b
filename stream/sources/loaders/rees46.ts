import { minorUnits, utcTime } from "./field-values.ts";
import { columnPositions, type RowFormat } from "./format.ts";

const COLUMNS = [
  "event_time",
  "event_type",
  "product_id",
  "category_id",
  "category_code",
  "brand",
  "price",
  "user_id",
  "user_session",
];
const TYPES: Readonly<Record<string, string>> = {
  view: "item_view",
  cart: "cart_add",
  remove_from_cart: "cart_remove",
  purchase: "purchase",
};

/** REES46 "eCommerce behavior data from multi category store" (also its cosmetics shop): prices in US dollars. */
export const rees46Format: RowFormat = {
  name: "rees46",
  doc: "REES46 multi-category store, CSV: views, carts and purchases with price, category and session",
  topics: ["customer-events"],
  expected: COLUMNS.join(","),
  recognise(firstLine) {
    const positions = columnPositions(firstLine, ",", COLUMNS);
    if (positions === null) return null;
    const [time, type, product, category, code, brand, price, user, session] = positions;
    const width = Math.max(...positions) + 1;
    return {
      delimiter: ",",
      header: true,
      createMapper: (context) => ({
        row(fields, line) {
          if (fields.length < width) return "missing-columns";
          const eventType = TYPES[fields[type]];
          if (eventType === undefined) return "unknown-event-type";
          const ms = utcTime(fields[time]);
          if (ms === null) return "bad-time";
          const priceMinor = fields[price] === "" ? undefined : minorUnits(fields[price]);
          if (priceMinor === null) return "bad-price";
          if (fields[user] === "") return "missing-user";
          if (fields[product] === "") return "missing-product";
          context.emit("customer-events", fields[user], {
            eventId: context.eventId(line),
            eventType,
            eventTime: context.time(ms),
            userId: fields[user],
            sessionId: fields[session] || undefined,
            productId: fields[product],
            categoryId: fields[category] || undefined,
            categoryCode: fields[code] || undefined,
            brand: fields[brand] || undefined,
            priceMinor,
            currency: priceMinor === undefined ? undefined : "USD",
          });
          return null;
        },
      }),
    };
  },
};
