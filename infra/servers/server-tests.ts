import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerName } from "./server-spec.ts";
import { platformServers, serverNames } from "./specs.ts";

const INTEGRATION_TESTS = "{schema,lakehouse,ml,stream,api,infra}/**/*.integration.test.ts";
const STARTS_SERVERS = /(?:from|import) "[^"]*\/(test-servers|private-server)\.ts"/;
const NAMED = /\b(?:testServer|startPrivateServer)\(\s*"(\w+)"/g;

/**
 * The tests that need real servers, as paths within the repository: the `*.integration.test.ts` that
 * import `test-servers.ts` or `private-server.ts`. `npm run test:embedded` leaves them out.
 */
export function serverTests(root: string): string[] {
  return globSync(INTEGRATION_TESTS, { cwd: root }).filter((path) => startsServers(join(root, path)));
}

/** Which servers these test files ask for; all of them where one does not ask by name. */
export function serversOfTests(files: readonly string[]): ServerName[] {
  const asked = new Set<string>();
  for (const file of files.filter(startsServers)) {
    const named = [...readFileSync(file, "utf8").matchAll(NAMED)].map((match) => match[1]);
    for (const name of named.length > 0 ? named : platformServers) asked.add(name);
  }
  return serverNames.filter((name) => asked.has(name));
}

function startsServers(file: string): boolean {
  return file.endsWith(".integration.test.ts") && STARTS_SERVERS.test(readFileSync(file, "utf8"));
}
