export * from "./columns/index.ts";
export * from "./errors.ts";
export * from "./events/contract.ts";
export * from "./events/index.ts";
export * from "./settings/index.ts";
export * from "./state/index.ts";
export * from "./tables/index.ts";
export * from "./tls-failures.ts";
