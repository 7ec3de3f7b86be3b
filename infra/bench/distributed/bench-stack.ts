import { type Config, loadConfig } from "../../config/index.ts";
import { connectionSettings, type ServerEndpoints } from "../../servers/local-servers.ts";
import {
  type PrivateServer,
  removeAbandonedServers,
  startPrivateServer,
} from "../../servers/private-server.ts";
import type { Endpoints, ServerName } from "../../servers/server-spec.ts";
import { specs, withNeeded } from "../../servers/specs.ts";
import { missingTools, toolsMissing } from "../../servers/tools.ts";
import { cpuMicrosOf } from "../process-usage.ts";

const SERVERS = ["kafka", "minio", "redis", "catalog"] as const;
export type BenchServer = (typeof SERVERS)[number];

/** Nothing is asked of Trino: rows and files are read from the tables' metadata. */
const NO_TRINO = "http://127.0.0.1:1";
/** Servers of one run, with ports and data of their own: every run finds them empty, and takes nobody else's. */
export class BenchStack {
  private readonly servers: ReadonlyMap<BenchServer, PrivateServer<ServerName>>;

  private constructor(servers: ReadonlyMap<BenchServer, PrivateServer<ServerName>>) {
    this.servers = servers;
  }

  /** Runs the body with new servers, and removes them with all they hold, whatever happens. */
  static async use<T>(signal: AbortSignal, body: (stack: BenchStack) => Promise<T>): Promise<T> {
    await requireTools();
    await removeAbandonedServers();
    const servers = new Map<BenchServer, PrivateServer<ServerName>>();
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    try {
      for (const name of SERVERS) {
        signal.throwIfAborted();
        const minio = servers.get("minio")?.endpoint as Endpoints["minio"] | undefined;
        const endpoints = minio === undefined ? {} : { minio };
        servers.set(name, await startPrivateServer(name, { say, endpoints }));
      }
      return await body(new BenchStack(servers));
    } finally {
      for (const server of [...servers.values()].reverse()) await server.remove();
    }
  }

  /**
   * The configuration of a run: the environment's settings (MILLRACE_…), on these servers; `defaults`
   * are variables that it need not set.
   */
  config(flags: Partial<Config>, defaults: Readonly<Record<string, string>> = {}): Config {
    const group = { endpoint: (name: BenchServer) => this.servers.get(name)?.endpoint } as ServerEndpoints;
    return loadConfig({
      folder: process.cwd(),
      environment: { MILLRACE_LOG_LEVEL: "warn", ...defaults, ...process.env },
      flags: {
        mode: "distributed",
        ...connectionSettings(group, SERVERS),
        trinoUrl: NO_TRINO,
        kafkaTopicPrefix: "",
        s3Prefix: "",
        schemaRegistryUrl: "",
        ...flags,
      },
    }).config;
  }

  /** CPU time of each server's process so far, microseconds. */
  cpuMicros(): Readonly<Record<BenchServer, number>> {
    const used = SERVERS.map((name) => [name, cpuMicrosOf(this.servers.get(name)?.pid ?? -1) ?? 0] as const);
    return Object.fromEntries(used) as Record<BenchServer, number>;
  }
}

async function requireTools(): Promise<void> {
  const tools = withNeeded(SERVERS).flatMap((name) => [
    ...specs[name].tools.run,
    ...specs[name].tools.install,
  ]);
  const missing = await missingTools(tools, process.env);
  if (missing.length > 0)
    throw toolsMissing(missing, "the distributed bench needs it; `millrace servers install` tells the same");
}
