import { loadConfig } from "../../config/index.ts";
import { Platform } from "../../platform/platform.ts";
import { appendCrashInput } from "./crash-input.ts";

/**
 * The process that is killed: opens the platform on `MILLRACE_HOME`, appends the input while the
 * workers run, and stops when all is processed. Prints `ready` when the workers have restored their
 * tasks and finished publishing, `appended` when the whole input is in the log, `done` at the end.
 */
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const complain = (_fields: object, message: string): void => void process.stderr.write(`${message}\n`);

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const platform = await Platform.open(config, { info: () => undefined, warn: complain, error: complain });
await platform.startWorkers();
say("ready");
await appendCrashInput(platform.log);
say("appended");
await platform.waitUntilProcessed();
await platform.close();
say("done");
