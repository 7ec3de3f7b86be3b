import {
  type InventoryUpdateBatch,
  KeyDictionary,
  type SlotArray,
  type StateSection,
  utf8Decoder,
} from "../../../schema/index.ts";
import type { OperatorKeys } from "../../operators/operator-keys.ts";

const NONE = -1;
/** Most bytes of a product and a warehouse together; contracts bound both below it. */
const KEY_BYTES_MAX = 512;

/** Lines of stock: a product in a warehouse, as dense ids. */
export class StockLines {
  private readonly keys: OperatorKeys;
  private readonly ids: KeyDictionary;
  private readonly products: SlotArray<Int32Array>;
  /** First line of a product; next line of the same product. */
  private readonly firsts: SlotArray<Int32Array>;
  private readonly nexts: SlotArray<Int32Array>;
  private readonly key = new Uint8Array(KEY_BYTES_MAX + 2);

  constructor(section: StateSection, keys: OperatorKeys) {
    this.keys = keys;
    this.ids = section.dictionary(new KeyDictionary("stock-line"));
    this.products = section.int32("line-product", NONE);
    this.firsts = section.int32("product-line", NONE);
    this.nexts = section.int32("line-next", NONE);
  }

  /** The line of a row. */
  lineOf(batch: InventoryUpdateBatch, row: number): number {
    const product = batch.productId.ids[row];
    const { warehouseId } = batch;
    const dictionary = this.keys.productId;
    let at = 2;
    for (let i = dictionary.start(product); i < dictionary.ends[product]; i++)
      this.key[at++] = dictionary.heap[i];
    this.key[0] = (at - 2) & 255;
    this.key[1] = (at - 2) >>> 8;
    for (let i = warehouseId.start[row]; i < warehouseId.end[row]; i++) this.key[at++] = warehouseId.bytes[i];
    const known = this.ids.size;
    const line = this.ids.intern(this.key, 0, at);
    if (line === known) this.open(line, product);
    return line;
  }

  productOf(line: number): number {
    return this.products.values[line];
  }

  warehouseOf(line: number): string {
    const key = this.ids.bytesOf(line);
    return utf8Decoder.decode(key.subarray(2 + (key[0] | (key[1] << 8))));
  }

  /** Whether the product has any line. */
  hasProduct(product: number): boolean {
    return product < this.firsts.length && this.firsts.values[product] !== NONE;
  }

  /** Lines of a product, the newest first. */
  *ofProduct(product: number): IterableIterator<number> {
    for (let line = this.firsts.values[product]; line !== NONE; line = this.nexts.values[line]) yield line;
  }

  private open(line: number, product: number): void {
    this.products.ensure(line + 1);
    this.nexts.ensure(line + 1);
    this.firsts.ensure(this.keys.productId.size);
    this.products.values[line] = product;
    this.products.mark(line);
    this.nexts.values[line] = this.firsts.values[product];
    this.nexts.mark(line);
    this.firsts.values[product] = line;
    this.firsts.mark(product);
  }
}
