import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { isRunning, parseIdentity, self } from "../tools/process-identity.ts";
import { withLock } from "../tools/process-lock.ts";
import { removeAbandonedServers } from "./private-server.ts";
import { serversOfTests } from "./server-tests.ts";
import { serverNames } from "./specs.ts";
import { testServers, testServersFolder } from "./test-servers.ts";

/** Longer than it takes to stop every server. */
const LOCK_MS_MAX = 5 * 60_000;

const WITHOUT = "the tests of the distributed mode need it; `npm run test:embedded` runs all others";

/**
 * Vitest's global setup: what the chosen tests need of servers is installed before the first of them,
 * so that none waits for it, and fails at once where a tool is missing. The tests start them.
 *
 * Test runs at the same time share the servers. The first one clears away what a crashed run left; the
 * last one stops them.
 */
export default async function setUp(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const names = serversOfTests(project.vitest.state.getPaths());
  if (names.length === 0) return undefined;
  await testServers.checkTools(names, WITHOUT);
  await exclusively(async () => {
    if (!othersRun()) await clear();
    mkdirSync(runsFolder(), { recursive: true });
    writeFileSync(ownFile(), JSON.stringify(self));
  });
  await testServers.install(names);
  return () =>
    exclusively(async () => {
      rmSync(ownFile(), { force: true });
      if (!othersRun()) await clear();
    });
}

/** Nobody uses them or their data any more, so they are killed. */
async function clear(): Promise<void> {
  await testServers.stop(serverNames, "SIGKILL");
  for (const name of serverNames) rmSync(join(testServersFolder, name), { recursive: true, force: true });
  await removeAbandonedServers();
}

/** Whether another test run is under way; forgets those that have ended. */
function othersRun(): boolean {
  mkdirSync(runsFolder(), { recursive: true });
  let others = false;
  for (const name of readdirSync(runsFolder())) {
    const file = join(runsFolder(), name);
    const run = parseIdentity(readFileSync(file, "utf8"));
    if (run === null || !isRunning(run)) rmSync(file);
    else others ||= run.pid !== self.pid;
  }
  return others;
}

function exclusively(action: () => Promise<void>): Promise<void> {
  mkdirSync(testServersFolder, { recursive: true });
  return withLock(join(testServersFolder, "runs.lock"), { waitMsMax: LOCK_MS_MAX }, action);
}

function runsFolder(): string {
  return join(testServersFolder, "runs");
}

function ownFile(): string {
  return join(runsFolder(), String(process.pid));
}
