import { join } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { type Say, serversCache } from "./installer.ts";
import { ServerGroup } from "./server-group.ts";
import type { Endpoints, ServerName, ServerSpec } from "./server-spec.ts";
import type { Environment } from "./tools.ts";

export interface LocalServersOptions {
  /** Folder of their data; without one, it lies beside what is installed. */
  readonly data?: string | undefined;
  readonly environment: Environment;
  readonly say: Say;
}

/** The servers of `millrace servers`: one set a user, unless ports and data are given. */
export function localServers({ data, environment, say }: LocalServersOptions): ServerGroup {
  return new ServerGroup({
    folder: data ?? join(serversCache(environment), "data"),
    portOf: (spec) => portOf(spec, environment),
    portAdvice: ({ port }) =>
      `choose another port with ${port.environment}${port.count > 1 ? ` (it takes ${port.count} ports from there on)` : ""}`,
    say,
    environment,
  });
}

/** Servers of whatever kind that tell where they are. */
export type ServerEndpoints = Pick<ServerGroup, "endpoint">;

/** The settings with which the platform finds these servers of a group. */
export function connectionSettings(group: ServerEndpoints, names: readonly ServerName[]): Partial<Config> {
  return Object.assign({}, ...names.map((name) => settingsFor(group, name)));
}

function settingsFor<N extends ServerName>(group: ServerEndpoints, name: N): Partial<Config> {
  return SETTINGS[name](group.endpoint(name));
}

/** Less than brokers take by default; these do (kafka.ts). */
const SESSION_TIMEOUT_MS = 2_500;

const SETTINGS: { readonly [N in ServerName]: (endpoint: Endpoints[N]) => Partial<Config> } = {
  kafka: ({ bootstrap }) => ({
    kafkaBrokers: [bootstrap],
    kafkaReplication: 1,
    kafkaSessionTimeoutMs: SESSION_TIMEOUT_MS,
  }),
  minio: ({ endpoint, region, bucket, accessKeyId, secretAccessKey }) => ({
    s3Endpoint: endpoint,
    s3Region: region,
    s3Bucket: bucket,
    s3PathStyle: true,
    s3AccessKeyId: accessKeyId,
    s3SecretAccessKey: secretAccessKey,
  }),
  redis: ({ url }) => ({ redisUrl: url }),
  catalog: ({ uri }) => ({ catalogUri: uri }),
  registry: ({ url }) => ({ schemaRegistryUrl: url }),
  trino: ({ url, user, catalog }) => ({ trinoUrl: url, trinoUser: user, trinoCatalog: catalog }),
  postgres: () => ({}),
};

function portOf({ port }: ServerSpec, environment: Environment): number {
  const given = environment[port.environment] ?? "";
  if (given === "") return port.default;
  const value = Number(given);
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new MillraceError(
    `${port.environment} must be a port from 1 to 65535, not ${JSON.stringify(given)}`,
    {
      code: "config-invalid",
      origin: "user",
    },
  );
}
