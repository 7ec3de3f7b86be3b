import { KeyDictionary, type StateSection } from "../../schema/index.ts";
import type { PaneBlockReader } from "./pane-block.ts";
import { NO_VERSION, VersionChains } from "./version-chains.ts";
import type { WindowTotals } from "./window-totals.ts";

/** A score in thousandths: what is ranked by, so that the order in which doubles were added does not show. */
export function roundedScore(totals: WindowTotals, product: number): number {
  return Math.round(totals.score(product) * 1000) / 1000;
}

/** Which category each product was of at any event time, as the tasks' events say. */
export class ProductCategories {
  private readonly products: KeyDictionary;
  private readonly names: KeyDictionary;
  private readonly category;
  private readonly chains: VersionChains;

  /** @param section of which the blob is taken */
  constructor(section: StateSection, products: KeyDictionary) {
    this.products = products;
    this.names = section.dictionary(new KeyDictionary("category", 64));
    this.category = section.int32("product-category", -1);
    this.chains = new VersionChains(section, [this.category]);
  }

  /** Takes a change of a pane block; of two of one time the category that sorts last holds. */
  fold(reader: PaneBlockReader): void {
    reader.text();
    const product = this.products.intern(reader.bytes, reader.textStart, reader.textEnd);
    reader.text();
    const category = this.names.intern(reader.bytes, reader.textStart, reader.textEnd);
    const timeMs = reader.f64();
    this.chains.ensureKeys(product + 1);
    const held = this.chains.at(product, timeMs);
    const isHeld = held !== NO_VERSION && this.chains.timeOf(held) === timeMs;
    if (isHeld && this.compare(this.category.values[held], category) >= 0) return;
    const version = this.chains.put(product, timeMs);
    if (version !== NO_VERSION) this.category.values[version] = category;
  }

  /** The best products of every category that has any, best first; equal scores rank by the product id's bytes. */
  rank(totals: WindowTotals, endMs: number, limit: number): Map<string, number[]> {
    const byCategory = new Map<number, number[]>();
    for (let i = 0; i < totals.count; i++) {
      const product = totals.products[i];
      const category = this.at(product, endMs);
      if (category < 0) continue;
      const own = byCategory.get(category);
      if (own === undefined) byCategory.set(category, [product]);
      else own.push(product);
    }
    const best = [...byCategory].sort(([a], [b]) => this.compare(a, b));
    return new Map(
      best.map(([category, products]) => [
        this.names.text(category),
        products
          .sort(
            (a, b) =>
              roundedScore(totals, b) - roundedScore(totals, a) ||
              Buffer.compare(this.products.bytesOf(a), this.products.bytesOf(b)),
          )
          .slice(0, limit),
      ]),
    );
  }

  /** The category as of just before a time; -1 where none is known of then. */
  private at(product: number, endMs: number): number {
    const version = this.chains.at(product, endMs - 1);
    return version === NO_VERSION || this.chains.timeOf(version) >= endMs
      ? -1
      : this.category.values[version];
  }

  private compare(a: number, b: number): number {
    return Buffer.compare(this.names.bytesOf(a), this.names.bytesOf(b));
  }
}
