import { minorUnits, usTime, utcTime, wholeNumber } from "./field-values.ts";
import { columnPositions, type MapperContext, type RowFormat, type RowMapper } from "./format.ts";

const COLUMNS = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
  "Country",
];

/**
 * UCI Online Retail: an order of each invoice, and a purchase of each of its lines. An invoice in `C`
 * is an order with status cancelled (its number names no other invoice). Lines without a customer
 * belong to a guest of their invoice. Times are the shop's clock, read as UTC; amounts are pounds.
 */
export const onlineRetailFormat: RowFormat = {
  name: "online-retail",
  doc: "UCI Online Retail, CSV: invoices as orders, their lines as purchases, stock codes as products",
  topics: ["products", "customer-events", "orders"],
  expected: COLUMNS.join(","),
  recognise(firstLine) {
    const positions = columnPositions(firstLine, ",", COLUMNS);
    if (positions === null) return null;
    return {
      delimiter: ",",
      header: true,
      fallback: "latin1",
      createMapper: (context) => new InvoiceMapper(context, positions),
    };
  },
};

interface OpenInvoice {
  readonly number: string;
  readonly line: number;
  readonly userId: string;
  readonly ms: number;
  readonly country: string | undefined;
  readonly lines: { productId: string; quantity: number; unitPriceMinor: number }[];
}

class InvoiceMapper implements RowMapper {
  readonly #context: MapperContext;
  readonly #positions: readonly number[];
  readonly #width: number;
  readonly #products = new Set<string>();
  #open: OpenInvoice | null = null;

  constructor(context: MapperContext, positions: readonly number[]) {
    this.#context = context;
    this.#positions = positions;
    this.#width = Math.max(...positions) + 1;
  }

  row(fields: readonly string[], line: number): string | null {
    if (fields.length < this.#width) return "missing-columns";
    const [number, product, name, quantityText, date, priceText, customer, country] = this.#positions.map(
      (position) => fields[position],
    );
    const ms = utcTime(date) ?? usTime(date);
    if (ms === null) return "bad-time";
    if (number === "") return "missing-invoice";
    if (product === "") return "missing-product";
    const unitPriceMinor = minorUnits(priceText);
    if (unitPriceMinor === null) return priceText.startsWith("-") ? "negative-price" : "bad-price";
    const quantity = wholeNumber(quantityText);
    if (quantity === null) return "bad-quantity";
    const cancelled = number.startsWith("C");
    // Stock corrections are booked as negative lines of ordinary invoices: no purchase, no cancellation.
    if (cancelled ? quantity >= 0 : quantity <= 0) return "quantity-sign";
    const userId = customer === "" ? `guest-${number}` : customer.replace(/\.0$/, "");
    if (this.#open !== null && this.#open.number !== number) this.end();
    this.#open ??= { number, line, userId, ms, country: country || undefined, lines: [] };
    this.#open.lines.push({ productId: product, quantity: Math.abs(quantity), unitPriceMinor });
    this.#product(product, name, unitPriceMinor, ms, line);
    if (!cancelled) {
      this.#context.emit("customer-events", userId, {
        eventId: this.#context.eventId(line),
        eventType: "purchase",
        eventTime: this.#context.time(ms),
        userId,
        productId: product,
        priceMinor: unitPriceMinor,
        currency: "GBP",
        quantity,
        orderId: number,
        country: country || undefined,
      });
    }
    return null;
  }

  /** The open invoice is whole: its lines stand together in the file. */
  end(): void {
    const invoice = this.#open;
    if (invoice === null) return;
    this.#open = null;
    this.#context.emit("orders", invoice.userId, {
      eventId: this.#context.eventId(invoice.line, "order"),
      orderId: invoice.number,
      orderTime: this.#context.time(invoice.ms),
      userId: invoice.userId,
      status: invoice.number.startsWith("C") ? "cancelled" : "placed",
      currency: "GBP",
      totalMinor: invoice.lines.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0),
      itemCount: invoice.lines.reduce((sum, item) => sum + item.quantity, 0),
      lines: invoice.lines,
      billingCountry: invoice.country,
    });
  }

  #product(productId: string, name: string, priceMinor: number, ms: number, line: number): void {
    if (this.#products.has(productId)) return;
    this.#products.add(productId);
    this.#context.emit("products", productId, {
      eventId: this.#context.eventId(line, "product"),
      productId,
      updateTime: this.#context.time(ms),
      name: name.trim() || undefined,
      priceMinor,
      currency: "GBP",
      active: true,
    });
  }
}
