import { join } from "node:path";
import { afterAll } from "vitest";
import { connectionSettings } from "../servers/local-servers.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import type { ServerName } from "../servers/server-spec.ts";
import { testServer, testServers, uniqueName } from "../servers/test-servers.ts";
import { describeDeadLetters } from "./testing/dead-letter-suite.ts";
import { freshDistributedConfig } from "./testing/distributed-config.ts";

const SHARED = ["kafka", "minio", "redis"] as const;

/** Tables have fixed names, so catalog and Trino are the test's own; all else is apart by name. */
const privates: PrivateServer<ServerName>[] = [];

describeDeadLetters({
  name: "distributed",
  async freshConfig(folder) {
    await testServers.start(SHARED);
    const minio = await testServer("minio");
    const catalog = await startPrivateServer("catalog", { endpoints: { minio } });
    privates.push(catalog);
    const trino = await startPrivateServer("trino", { endpoints: { minio, catalog: catalog.endpoint } });
    privates.push(trino);
    const { url: trinoUrl, catalog: trinoCatalog, user: trinoUser } = trino.endpoint;
    return freshDistributedConfig(
      join(folder, "home"),
      uniqueName("letters"),
      {
        ...connectionSettings(testServers, SHARED),
        ...{ catalogUri: catalog.endpoint.uri, trinoUrl, trinoCatalog, trinoUser },
      },
      // Nobody dies: a machine that is busy may take its time.
      { workers: 1, checkpointIntervalMs: 1_000, kafkaSessionTimeoutMs: 20_000 },
    );
  },
});

afterAll(async () => {
  for (const server of privates.reverse()) await server.remove();
});
