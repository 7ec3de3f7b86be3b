import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import { scenarioConfig } from "./scenario-home.ts";

/** How the servers are reached: {@link connectionSettings} of a group of servers. */
export type Connections = Partial<Config> & Pick<Config, "catalogUri">;

/**
 * A platform on these servers that has nothing yet. Topics, objects and hot values are apart by `name`,
 * which nothing else has; tables are not: those that the catalog has are dropped.
 */
export async function freshDistributedConfig(
  home: string,
  name: string,
  connections: Connections,
  flags: Partial<Config>,
): Promise<Config> {
  await dropTables(connections.catalogUri);
  return distributedConfig(home, name, connections, flags);
}

/** The same, of a platform that may have run before. */
export function distributedConfig(
  home: string,
  name: string,
  connections: Connections,
  flags: Partial<Config>,
): Config {
  return scenarioConfig(home, {
    mode: "distributed",
    ...connections,
    kafkaTopicPrefix: `${name}.`,
    kafkaGroup: name,
    s3Prefix: name,
    redisPrefix: name,
    // Nobody dies, and each of many short platforms would compile for seconds.
    warmSpare: false,
    ...flags,
  });
}

export async function dropTables(catalogUri: string): Promise<void> {
  for (const { namespace, name } of lakeTables) {
    const response = await fetch(`${catalogUri}/v1/namespaces/${namespace}/tables/${name}`, {
      method: "DELETE",
    });
    await response.body?.cancel();
  }
}
