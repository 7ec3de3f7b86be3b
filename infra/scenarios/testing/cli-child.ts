import { main } from "../../cli/main.ts";

// The command as a process of its own, from its sources.
process.exitCode = await main(process.argv.slice(2));
