import { setTimeout as sleep } from "node:timers/promises";
import type { Endpoints } from "../../../infra/servers/server-spec.ts";
import { createLakePublisher, ensureTables } from "../../table/index.ts";
import { openRemoteLake, type RemoteLake } from "../testing/remote-lake.ts";
import { TrinoQueryEngine, type TrinoQueryEngineOptions } from "./trino-query-engine.ts";

/** The servers that a lake with Trino needs. */
export type LakeServers = Pick<Endpoints, "minio" | "catalog" | "trino">;

export interface TrinoLake extends RemoteLake {
  readonly engine: TrinoQueryEngine;
  /** A further engine over this lake. */
  open(options?: Partial<TrinoQueryEngineOptions>): TrinoQueryEngine;
  /** Publishes rows [from, to) of a day in one commit of one file. */
  append(from: number, to: number, day?: number): Promise<void>;
}

/** An empty probe table of one's own, by our publisher, with Trino reading it. */
export async function openTrinoLake(servers: LakeServers, table: string): Promise<TrinoLake> {
  const lake = openRemoteLake({ catalogUri: servers.catalog.uri, s3: servers.minio, table });
  await ensureTables([lake.spec], lake.deps);
  const publisher = createLakePublisher({ ...lake.deps, tables: [lake.spec] });
  let epoch = 0;
  const open = (options: Partial<TrinoQueryEngineOptions> = {}): TrinoQueryEngine =>
    new TrinoQueryEngine({ ...trinoConnection(servers), catalog: lake.catalog, ...options });
  return {
    ...lake,
    engine: open(),
    open,
    append: async (from, to, day = 20_000) => {
      await publisher.publish([
        { taskId: "t", epoch: epoch++, files: [await lake.stage({ from, to, day })] },
      ]);
    },
  };
}

export function trinoConnection({ trino }: LakeServers) {
  return {
    server: trino.url,
    user: trino.user,
    trinoCatalog: trino.catalog,
    sleep: (ms: number) => sleep(ms),
    random: Math.random,
  };
}
