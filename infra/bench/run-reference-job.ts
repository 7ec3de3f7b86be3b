import { sendResult } from "./child.ts";
import { runReferenceJob } from "./reference-job.ts";

// A process of its own, so that CPU and memory are the pipeline's and not the generator's.
const [home, events, stages] = process.argv.slice(2);
sendResult(await runReferenceJob(home, Number(events), stages === "stages"));
process.disconnect?.();
