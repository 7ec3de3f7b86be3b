import { sendResult } from "./child.ts";
import { type ReferenceJobOptions, runReferenceJob } from "./reference-job.ts";

// A process of its own, so that CPU and memory are the pipeline's and not the generator's.
const [home, options] = process.argv.slice(2);
await sendResult(await runReferenceJob(home, JSON.parse(options) as ReferenceJobOptions));
process.disconnect?.();
