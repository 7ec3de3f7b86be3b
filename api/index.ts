export { type ApiConfig, apiConfigDefaults } from "./server/config.ts";
export { type ApiServer, type ApiServerDeps, createApiServer } from "./server/create-api-server.ts";
export type { ApiLogger } from "./server/logger.ts";
