import { join } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import { serversCache } from "./installer.ts";
import { ServerGroup } from "./server-group.ts";
import type { Endpoints, ServerName } from "./server-spec.ts";

const PORTS_VARIABLE = "MILLRACE_TEST_PORTS";
/** Below the range from which systems take the ports of outgoing connections. */
const PORTS_DEFAULT = 31_000;

export const testServersFolder = join(serversCache(), "test");

/** The servers of the tests: ports and data of their own, beside those of `millrace servers`. */
export const testServers = new ServerGroup({
  folder: testServersFolder,
  portOf: (spec) => Number(process.env[PORTS_VARIABLE] ?? PORTS_DEFAULT) + spec.port.test,
  portAdvice: () =>
    `set ${PORTS_VARIABLE} to the first port of another free range (default: ${PORTS_DEFAULT})`,
  say: (line) => process.stderr.write(`${line}\n`),
});

/**
 * A running server for a test, and all that it needs; installs and starts what is missing. All test
 * files share it, also ones that run at the same time: take topics, buckets' prefixes, namespaces or
 * keys of your own (see {@link uniqueName}), and do not stop it; for that there is
 * `startPrivateServer`. The end of the run stops it.
 *
 * To be imported by `*.integration.test.ts` only: that is how `npm run test:embedded` knows them.
 */
export async function testServer<N extends ServerName>(name: N): Promise<Endpoints[N]> {
  assertServersWanted();
  await testServers.start([name]);
  return testServers.endpoint(name);
}

/** Throws in a run that is to do without servers: a test that needs one was not recognised as such. */
function assertServersWanted(): void {
  if (process.env.MILLRACE_TEST_SERVERS !== "none") return;
  throw new MillraceError(
    "a test of the embedded run asks for a server: its file must be called *.integration.test.ts and import test-servers.ts itself",
    { code: "server-not-expected", origin: "internal" },
  );
}

let names = 0;

/** A name that no other test and no earlier run has; small letters, digits and `-`. */
export function uniqueName(prefix: string): string {
  names += 1;
  return `${prefix}-${Date.now().toString(36)}-${process.pid}-${names}`;
}
