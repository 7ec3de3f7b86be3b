export type { CatalogAuth } from "./access-token.ts";
export * from "./rest-catalog.ts";
export type { RestCatalogLimits, RestCatalogOptions } from "./rest-client.ts";
