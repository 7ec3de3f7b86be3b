import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensurePythonWith } from "../../tools/test-tools.ts";
import { BenchError } from "../bench-error.ts";
import type { ComparedModel } from "./comparison.ts";

const run = promisify(execFile);

/** What other libraries make of the arrays of a folder. Installs them on first use, about a minute. */
export async function runScript(script: string, folder: string): Promise<readonly ComparedModel[]> {
  const requirements = readFileSync(new URL("requirements.txt", import.meta.url), "utf8");
  const python = await ensurePythonWith(requirements.split("\n").filter((line) => line !== ""));
  // One thread each: the processor time is then the work, not its distribution.
  const threads = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
  try {
    const { stdout } = await run(python, [fileURLToPath(new URL(script, import.meta.url)), folder], {
      env: { ...process.env, ...threads },
      maxBuffer: 1 << 24,
    });
    return JSON.parse(stdout);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").slice(-5).join("\n");
    throw new BenchError(`${script} failed: ${said ?? String(error)}`);
  }
}
