import DataLoader from "dataloader";
import type { Page, TimeRangePageArgs } from "../common/types.ts";
import type { ProductsService } from "./service.ts";
import type { ProductActivity } from "./type.ts";

/** Products that one lake query is about. */
export const PRODUCTS_A_QUERY_MAX = 200;

/**
 * Activity of the products of one operation: one lake query for all products that it asks for at once
 * with the same arguments.
 */
export class ProductActivityLoader {
  private readonly service: ProductsService;
  private readonly byArguments = new Map<string, DataLoader<string, Page<ProductActivity>>>();

  constructor(service: ProductsService) {
    this.service = service;
  }

  load(productId: string, page: TimeRangePageArgs): Promise<Page<ProductActivity>> {
    const key = JSON.stringify([page.first, page.after, page.asOf, page.from, page.to]);
    const loader = this.byArguments.get(key) ?? this.loaderOf(page);
    this.byArguments.set(key, loader);
    return loader.load(productId);
  }

  private loaderOf(page: TimeRangePageArgs): DataLoader<string, Page<ProductActivity>> {
    return new DataLoader((ids: readonly string[]) => this.service.activity(ids, page), {
      maxBatchSize: PRODUCTS_A_QUERY_MAX,
    });
  }
}
