import type { StagedCommit } from "../../ports/staged-file.ts";
import { createLakePublisher } from "../index.ts";
import { createTestLake, probeTable } from "./test-lake.ts";

/**
 * A publisher in a process of its own: `HOME KILL_AT COMMITS_JSON…` publishes each group of commits in
 * turn, and kills itself with SIGKILL at the point KILL_AT (`none`: never).
 */
const [home, killAt, ...groups] = process.argv.slice(2);
const kill = (point: string): void => {
  if (point === killAt) process.kill(process.pid, "SIGKILL");
};
const lake = await createTestLake(home);
// Every put of the commit is a point too: before it nothing, after it one more object is durable.
const put = lake.objectStore.put.bind(lake.objectStore);
let puts = 0;
lake.objectStore.put = async (...args) => {
  kill(`before-put:${puts}`);
  await put(...args);
  kill(`after-put:${puts++}`);
};
const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable], onPoint: kill });
for (const group of groups) await publisher.publish(JSON.parse(group) as StagedCommit[]);
