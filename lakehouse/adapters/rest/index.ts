export type { CatalogAuth } from "./access-token.ts";
export * from "./rest-catalog.ts";
