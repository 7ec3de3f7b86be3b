import { bronzeTable, goldProductActivity, productContract, silverEvents } from "../../../schema/index.ts";
import { decodeCursor, type KeysetColumn } from "../common/cursor.ts";
import { userError } from "../common/errors.ts";
import { checkedFirst, type LakeReader, type PinnedTable, toPage } from "../common/lake-reader.ts";
import { number, optionalLong, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import { PAGE_ROWS_MAX, type Page, type PageArgs, type TimeRangePageArgs } from "../common/types.ts";
import type { Product, ProductActivity, ProductFilter } from "./type.ts";

const bronzeProducts = bronzeTable(productContract);
const PRODUCT_KEYSET: readonly KeysetColumn[] = [{ column: "product_id", type: "text" }];
/** What events say of a product: each attribute as of the newest event that has it. */
const SEEN_PRODUCT =
  "product_id, max_by(product_name, event_time) filter (where product_name is not null) as name, " +
  "max_by(category_id, event_time) filter (where category_id is not null) as category_id, " +
  "max_by(category_code, event_time) filter (where category_code is not null) as category_code, " +
  "max_by(brand, event_time) filter (where brand is not null) as brand, " +
  "max_by(price_minor, event_time) filter (where price_minor is not null) as price_minor, " +
  "max_by(currency, event_time) filter (where currency is not null) as currency";

export class ProductsService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
  }

  /** Products that events named, by id. */
  async list(filter: ProductFilter, page: PageArgs): Promise<Page<Product>> {
    const first = checkedFirst(page.first);
    if ((filter.ids?.length ?? 0) > PAGE_ROWS_MAX) {
      throw userError("invalid-argument", `ids takes at most ${PAGE_ROWS_MAX}.`);
    }
    const conditions = new Conditions().oneOf("product_id", filter.ids);
    if (page.after !== null && page.after !== undefined) {
      conditions.behind(PRODUCT_KEYSET, "asc", decodeCursor("products", PRODUCT_KEYSET, page.after));
    }
    const pinned = await this.lake.pin(silverEvents, page.asOf);
    const rows = await this.seen(pinned, conditions, first + 1, filter);
    const catalogue = page.asOf
      ? new Map<string, Row>()
      : await this.catalogue(rows.map((row) => text(row, "product_id")));
    return toPage(rows, {
      connection: "products",
      keyset: PRODUCT_KEYSET,
      page,
      first,
      freshness: pinned.freshness,
      toNode: (row) => toProduct(text(row, "product_id"), catalogue.get(text(row, "product_id")), row),
    });
  }

  /** Products by id, in the order asked; null for one that neither catalogue nor events know. */
  async byIds(ids: readonly string[]): Promise<(Product | null)[]> {
    const pinned = await this.lake.pin(silverEvents);
    const [catalogue, rows] = await Promise.all([
      this.catalogue(ids),
      this.seen(pinned, new Conditions().oneOf("product_id", ids), ids.length),
    ]);
    const seen = new Map(rows.map((row) => [text(row, "product_id"), row]));
    return ids.map((id) =>
      catalogue.has(id) || seen.has(id) ? toProduct(id, catalogue.get(id), seen.get(id)) : null,
    );
  }

  /** Minutes with activity, newest first: a page of each product, in the order of the ids. */
  async activity(productIds: readonly string[], page: TimeRangePageArgs): Promise<Page<ProductActivity>[]> {
    return this.lake.pagesBy("product_id", productIds, {
      connection: "productActivity",
      table: goldProductActivity,
      page,
      keyset: [{ column: "window_start", type: "time" }],
      order: "desc",
      conditions: new Conditions().within("window_start", page.from, page.to),
      toNode: (row) => ({
        windowStart: time(row, "window_start"),
        windowEnd: time(row, "window_end"),
        views: number(row, "views"),
        cartAdds: number(row, "cart_adds"),
        purchases: number(row, "purchases"),
        revision: number(row, "revision"),
      }),
    });
  }

  /** @param filter holds for products as they are, not for events that said so once */
  private seen(
    pinned: PinnedTable,
    conditions: Conditions,
    limit: number,
    { categoryId, brand }: Pick<ProductFilter, "categoryId" | "brand"> = {},
  ): Promise<readonly Row[]> {
    const where = conditions.toSql() || " where product_id is not null";
    const wanted = Object.entries({ category_id: categoryId, brand }).flatMap(([column, value]) => {
      if (typeof value !== "string") return [];
      conditions.parameters.push(value);
      return [`${column} = $${conditions.parameters.length}`];
    });
    const holding = wanted.length === 0 ? "" : ` where ${wanted.join(" and ")}`;
    const sql =
      `select * from (select ${SEEN_PRODUCT} from {silver.events}${where} group by product_id) as seen` +
      `${holding} order by product_id limit ${limit}`;
    return this.lake.rows(pinned, sql, conditions);
  }

  private async catalogue(ids: readonly string[]): Promise<ReadonlyMap<string, Row>> {
    if (ids.length === 0) return new Map();
    const conditions = new Conditions().oneOf("product_id", ids);
    const columns = "product_id, name, category_id, category_code, brand, price_minor, currency";
    const sql =
      `select ${columns} from (select ${columns}, row_number() over ` +
      "(partition by product_id order by update_time desc, _offset desc) as age_rank " +
      `from {bronze.products}${conditions.toSql()}) as updates where age_rank = 1`;
    const rows = await this.lake.rows(await this.lake.pin(bronzeProducts), sql, conditions);
    return new Map(rows.map((row) => [text(row, "product_id"), row]));
  }
}

function toProduct(id: string, catalogue: Row | undefined, seen: Row | undefined): Product {
  const pick = (column: string): string | null =>
    (catalogue && optionalText(catalogue, column)) ?? (seen ? optionalText(seen, column) : null);
  // Price and currency come from one place: a price must not be shown in another one's currency.
  const priced = catalogue && optionalLong(catalogue, "price_minor") !== null ? catalogue : seen;
  const amountMinor = priced === undefined ? null : optionalLong(priced, "price_minor");
  return {
    id,
    name: pick("name"),
    categoryId: pick("category_id"),
    categoryCode: pick("category_code"),
    brand: pick("brand"),
    price:
      amountMinor === null || priced === undefined
        ? null
        : { amountMinor, currency: optionalText(priced, "currency") ?? "XXX" },
  };
}
