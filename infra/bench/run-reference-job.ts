import { runReferenceJob } from "./reference-job.ts";

// A process of its own, so that CPU and memory are the pipeline's and not the generator's.
const [home, events, stages] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await runReferenceJob(home, Number(events), stages === "stages")));
