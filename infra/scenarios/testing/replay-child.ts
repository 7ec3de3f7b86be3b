import { loadConfig } from "../../config/index.ts";
import { Platform } from "../../platform/platform.ts";
import { appendCrashInput } from "./crash-input.ts";

/**
 * The process that is killed: opens the platform on `MILLRACE_HOME`, appends the input while the
 * workers run, and stops when all is processed. Prints `ready` when the workers have restored their
 * tasks and finished publishing, `appended` when the whole input is in the log, `done` at the end. With the
 * argument `backlog` all input is there before the workers start: they find in one batch what a killed
 * run had read little by little, and more behind it.
 */
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const complain = (_fields: object, message: string): void => void process.stderr.write(`${message}\n`);

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const platform = await Platform.open(config, { info: () => undefined, warn: complain, error: complain });
const backlog = process.argv.includes("backlog");
if (backlog) await appendCrashInput(platform.log, 0);
await platform.startWorkers();
say("ready");
await appendCrashInput(platform.log);
say("appended");
await platform.waitUntilProcessed();
await platform.close();
say("done");
