import type { Config } from "../config/index.ts";
import { connectionSettings } from "./local-servers.ts";
import { startPrivateServer } from "./private-server.ts";
import { testServer, testServers } from "./test-servers.ts";

export interface OwnCatalog {
  /** How the servers are reached. */
  readonly connections: Partial<Config> & Pick<Config, "catalogUri">;
  remove(): Promise<void>;
}

/** The shared servers, started, and a catalog of the test's own: tables have fixed names, and test files run side by side. */
export async function startOwnCatalog(shared: readonly ("kafka" | "minio" | "redis")[]): Promise<OwnCatalog> {
  await testServers.start([...shared]);
  const catalog = await startPrivateServer("catalog", { endpoints: { minio: await testServer("minio") } });
  return {
    connections: { ...connectionSettings(testServers, shared), catalogUri: catalog.endpoint.uri },
    remove: () => catalog.remove(),
  };
}
