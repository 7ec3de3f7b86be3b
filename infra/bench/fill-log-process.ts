import { sendResult } from "./child.ts";
import { fillLog } from "./fill-log.ts";

// A process of its own: the generator's memory must not count as the pipeline's.
const [home, events, seed, partitions] = process.argv.slice(2);
sendResult(
  await fillLog(home, { events: Number(events), seed: Number(seed), partitions: Number(partitions) }),
);
process.disconnect?.();
