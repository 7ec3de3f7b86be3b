import { once } from "node:events";
import { createLakePublisher } from "../../table/index.ts";
import { openRemoteLake, type RemoteLakePlace } from "./remote-lake.ts";

/**
 * A publisher in a process of its own: `PLACE_JSON TASK COMMITS` stages so many commits, says that it is
 * ready, publishes them one after the other when told to, and sends `{retries, ms}`, an entry for each.
 */
const [placeJson, task, commits] = process.argv.slice(2);
const lake = openRemoteLake(JSON.parse(placeJson) as RemoteLakePlace);
let tries = 0;
const counted = {
  load: (table: string) => lake.catalog.load(table),
  list: (namespace: string) => lake.catalog.list(namespace),
  commit: (...args: Parameters<typeof lake.catalog.commit>) => {
    tries++;
    return lake.catalog.commit(...args);
  },
};
const publisher = createLakePublisher({ ...lake.deps, catalog: counted, tables: [lake.spec] });
const staged = [];
for (let epoch = 1; epoch <= Number(commits); epoch++)
  staged.push(await lake.stageCommit(Number(task), epoch));
process.send?.("ready");
await once(process, "message");
const retries: number[] = [];
const ms: number[] = [];
for (const commit of staged) {
  const before = performance.now();
  tries = 0;
  await publisher.publish([commit]);
  retries.push(tries - 1);
  ms.push(Math.round(performance.now() - before));
}
await lake.objectStore.close();
process.send?.({ retries, ms }, () => process.disconnect());
