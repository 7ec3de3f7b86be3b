import type { ReferenceOptions } from "../../stream/index.ts";
import { sendResult } from "./child.ts";
import { fillLog } from "./fill-log.ts";

// A process of its own: the generator's memory must not count as the pipeline's.
const [home, options] = process.argv.slice(2);
await sendResult(await fillLog(home, JSON.parse(options) as ReferenceOptions));
process.disconnect?.();
