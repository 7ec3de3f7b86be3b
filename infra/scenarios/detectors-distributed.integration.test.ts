import { afterAll, beforeAll } from "vitest";
import { productContract } from "../../schema/index.ts";
import { consumerGroupsOf } from "../platform/consumer-groups.ts";
import { committed } from "../platform/input-ends.ts";
import { connectionSettings } from "../servers/local-servers.ts";
import { type PrivateServer, startPrivateServer } from "../servers/private-server.ts";
import { testServer, testServers, uniqueName } from "../servers/test-servers.ts";
import { describeDetectors } from "./testing/detector-suite.ts";
import { type Connections, freshDistributedConfig } from "./testing/distributed-config.ts";

const SERVERS = ["kafka", "minio", "redis"] as const;

/** Tables have fixed names, so the catalog is the test's own; all else is apart by name. */
let catalog: PrivateServer<"catalog">;
beforeAll(async () => {
  await testServers.start(SERVERS);
  catalog = await startPrivateServer("catalog", { endpoints: { minio: await testServer("minio") } });
});
afterAll(() => catalog?.remove());

describeDetectors({
  name: "distributed",
  async freshConfig(folder, flags) {
    // Nobody queries: the oracles read the files.
    const rest = { catalogUri: catalog.endpoint.uri, trinoUrl: "http://127.0.0.1:1" };
    const connections: Connections = { ...connectionSettings(testServers, SERVERS), ...rest };
    return freshDistributedConfig(folder, uniqueName("detectors"), connections, {
      workers: 2,
      checkpointIntervalMs: 1_000,
      ...flags,
    });
  },
  async productsSeen({ config, log }) {
    const { topic } = productContract;
    const groupsOf = consumerGroupsOf(config);
    for (let partition = 0; partition < config.partitions; partition++) {
      const { end } = await log.offsets(topic, partition);
      for (const group of groupsOf(topic, partition))
        await committed(log, group, [{ topic, partition, offset: end }]);
    }
  },
  seeds: [1, 2],
  files: [],
});
