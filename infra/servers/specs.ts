import { catalog } from "./catalog.ts";
import { kafka } from "./kafka.ts";
import { minio } from "./minio.ts";
import { postgres } from "./postgres.ts";
import { redis } from "./redis.ts";
import { registry } from "./registry.ts";
import type { ServerName, ServerSpec } from "./server-spec.ts";
import { trino } from "./trino.ts";

/** Every server, each after those that it needs. */
export const specs: { readonly [N in ServerName]: ServerSpec<N> } = {
  kafka,
  minio,
  redis,
  postgres,
  catalog,
  registry,
  trino,
};

export const serverNames = Object.keys(specs) as readonly ServerName[];

/** What the distributed mode connects to. PostgreSQL is there for who asks for it by name. */
export const platformServers = serverNames.filter((name) => name !== "postgres");

/** These servers and all that they need, in the order in which they start. */
export function withNeeded(names: Iterable<ServerName>): ServerName[] {
  const wanted = new Set<ServerName>();
  const add = (name: ServerName): void => {
    for (const needed of specs[name].needs) add(needed);
    wanted.add(name);
  };
  for (const name of names) add(name);
  return serverNames.filter((name) => wanted.has(name));
}

/** These servers and all that need them, in the order in which they start. */
export function withDependents(names: Iterable<ServerName>): ServerName[] {
  const wanted = new Set(names);
  return serverNames.filter((name) => withNeeded([name]).some((needed) => wanted.has(needed)));
}
