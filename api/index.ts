export type { Role } from "./modules/common/caller.ts";
export type { ApiKey } from "./server/api-keys.ts";
export { type ApiConfig, apiConfigDefaults } from "./server/config.ts";
export { type ApiServer, type ApiServerDeps, createApiServer } from "./server/create-api-server.ts";
export type { ApiLogger } from "./server/logger.ts";
