import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BenchError } from "../bench-error.ts";

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 1 << 24;
/** Lines of what a failed command said that are told on. */
const SAID_LINES = 5;

/** What a command of this checkout prints, run as a person would. */
export async function runCommand(file: URL, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, [file.pathname, ...args], { maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").slice(-SAID_LINES).join("\n");
    throw new BenchError(`${file.pathname} ${args.join(" ")} failed: ${said ?? String(error)}`);
  }
}
