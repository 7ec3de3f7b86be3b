import { connectionSettings } from "../../servers/local-servers.ts";
import { startPrivateServer } from "../../servers/private-server.ts";
import { testServer, testServers } from "../../servers/test-servers.ts";
import type { Connections } from "./distributed-config.ts";

export interface OwnCatalog {
  readonly connections: Connections;
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
