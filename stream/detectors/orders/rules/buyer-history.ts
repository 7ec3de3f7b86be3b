import { type OrderBatch, StateSection } from "../../../../schema/index.ts";

export interface BuyersPast {
  /** Orders before this one. */
  readonly orders: number;
  /** Orders before in this one's currency, where that is the currency of the first. */
  readonly ownOrders: number;
  /** Sum of their totals, minor units. */
  readonly ownMinor: number;
}

/**
 * What each buyer has ordered before, in the order in which the orders came. A buyer is a user who has
 * ordered: a few in a hundred of a shop's users. Totals are those in the currency of the first order;
 * sums of two currencies say nothing.
 */
export class BuyerHistory {
  readonly state = new StateSection("orders-buyers");
  /** User to buyer, -1 where the user has not ordered; and the number of buyers. */
  private readonly buyers = this.state.int32("buyers", -1);
  private readonly count = this.state.int32("buyerCount");
  // By buyer from here on.
  private readonly currencies = this.state.int32("currency");
  private readonly orders = this.state.float64("orders");
  private readonly ownOrders = this.state.float64("ownOrders");
  private readonly totals = this.state.float64("totalMinor");

  constructor() {
    this.count.ensure(1);
  }

  /** The buyer's past before the order of the row, which is then part of it. */
  take(batch: OrderBatch, row: number): BuyersPast {
    const currency = currencyCode(batch.currency, row);
    const buyer = this.buyerOf(batch.userId.ids[row], currency);
    const isOwn = this.currencies.values[buyer] === currency;
    const past = {
      orders: this.orders.values[buyer],
      ownOrders: isOwn ? this.ownOrders.values[buyer] : 0,
      ownMinor: isOwn ? this.totals.values[buyer] : 0,
    };
    this.orders.values[buyer] += 1;
    this.orders.mark(buyer);
    if (isOwn) {
      this.ownOrders.values[buyer] += 1;
      this.totals.values[buyer] += batch.totalMinor.values[row];
      this.ownOrders.mark(buyer);
      this.totals.mark(buyer);
    }
    return past;
  }

  private buyerOf(user: number, currency: number): number {
    this.buyers.ensure(user + 1);
    const known = this.buyers.values[user];
    if (known >= 0) return known;
    const buyer = this.count.values[0];
    this.count.values[0] = buyer + 1;
    this.count.mark(0);
    this.buyers.values[user] = buyer;
    this.buyers.mark(user);
    for (const array of [this.currencies, this.orders, this.ownOrders, this.totals]) {
      array.ensure(buyer + 1);
      array.mark(buyer);
    }
    this.currencies.values[buyer] = currency;
    return buyer;
  }
}

/**
 * A currency as a number: its bytes where it has four at most, as every ISO 4217 code has; of a longer
 * name a 32-bit FNV-1a hash, so that state stays bounded whatever the producers write.
 */
function currencyCode(column: OrderBatch["currency"], row: number): number {
  const { bytes, start, end } = column;
  const short = end[row] - start[row] <= 4;
  let code = short ? 0 : 0x811c9dc5;
  for (let i = start[row]; i < end[row]; i++) {
    code = short ? (code << 8) | bytes[i] : Math.imul(code ^ bytes[i], 0x01000193);
  }
  return code | 0;
}
