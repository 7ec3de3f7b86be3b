import { join } from "node:path";
import { serversCache } from "./installer.ts";
import { ServerGroup } from "./server-group.ts";
import type { Endpoints, ServerName } from "./server-spec.ts";

const PORTS_VARIABLE = "MILLRACE_TEST_PORTS";
/** Below the range from which systems take the ports of outgoing connections. */
const PORTS_DEFAULT = 31_000;

/** The servers of the tests: ports and data of their own, beside those of `millrace servers`. */
export const testServers = new ServerGroup({
  folder: join(serversCache(), "test"),
  portOf: (spec) => Number(process.env[PORTS_VARIABLE] ?? PORTS_DEFAULT) + spec.port.test,
  portAdvice: () =>
    `set ${PORTS_VARIABLE} to the first port of another free range (default: ${PORTS_DEFAULT})`,
  say: (line) => process.stderr.write(`${line}\n`),
});

/**
 * A running server for a test, and all that it needs; installs and starts what is missing. All test
 * files share it, also ones that run at the same time: take a topic, bucket prefix, namespace or key
 * prefix of your own (see {@link uniqueName}), and do not stop it; for that there is
 * `startPrivateServer`. The end of the run stops it.
 *
 * Only `*.integration.test.ts` files may import this: that is how `npm run test:embedded` knows them.
 */
export async function testServer<N extends ServerName>(name: N): Promise<Endpoints[N]> {
  await testServers.start([name]);
  return testServers.endpoint(name);
}

let names = 0;

/** A name that no other test and no earlier run has; letters, digits and `-`. */
export function uniqueName(prefix: string): string {
  names += 1;
  return `${prefix}-${Date.now().toString(36)}-${process.pid}-${names}`;
}
