import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../../config/index.ts";
import { environmentName, type SettingKey } from "../../config/index.ts";

const SCRIPT = fileURLToPath(new URL("./replay-child.ts", import.meta.url));

export interface ChildOptions {
  readonly home: string;
  readonly settings: Partial<Config>;
  /** Point of the checkpoint protocol at which it kills itself, as in `MILLRACE_CRASH_AT`. */
  readonly crashAt?: string;
  /** Kills it so long after its start, wherever it is then. */
  readonly killAfterMs?: number;
  /** Appends all input before the workers start. */
  readonly backlog?: boolean;
}

export interface ChildEnd {
  /** True where SIGKILL ended it, false where it came to the end. */
  readonly killed: boolean;
  /** The last word that it said: how far it came. */
  readonly reached: "" | "ready" | "appended" | "done";
  /** Time from its start until the workers had restored their tasks and finished publishing; null before that. */
  readonly readyMs: number | null;
  readonly totalMs: number;
}

/** Runs the replay in a process of its own. Rejects where it ends in another way than done or killed. */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const began = performance.now();
  const child = spawnReplay(options);
  let reached: ChildEnd["reached"] = "";
  let readyMs: number | null = null;
  let complaints = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (text.includes("ready")) readyMs = performance.now() - began;
    reached = (text.trim().split("\n").at(-1) ?? "") as ChildEnd["reached"];
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
  });
  const timer =
    options.killAfterMs === undefined
      ? undefined
      : setTimeout(() => child.kill("SIGKILL"), options.killAfterMs);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...end) => resolve(end));
  });
  clearTimeout(timer);
  if ((code !== 0 && signal !== "SIGKILL") || complaints !== "") {
    throw new Error(
      `the replay in ${options.home} ended with ${signal ?? code} after "${reached}":\n${complaints}`,
    );
  }
  return { killed: signal === "SIGKILL", reached, readyMs, totalMs: performance.now() - began };
}

/** The process itself, for who does more to it than kill it. */
export function spawnReplay(options: ChildOptions) {
  return spawn(process.execPath, options.backlog === true ? [SCRIPT, "backlog"] : [SCRIPT], {
    env: childEnvironment(options),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function childEnvironment({ home, settings, crashAt }: ChildOptions): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    // Compiled sources are kept between the many starts; never read by the platform itself.
    NODE_COMPILE_CACHE: join(tmpdir(), "millrace-compile-cache"),
    MILLRACE_HOME: home,
  };
  if (process.env.MILLRACE_DATA !== undefined) environment.MILLRACE_DATA = process.env.MILLRACE_DATA;
  for (const [key, value] of Object.entries(settings))
    environment[environmentName(key as SettingKey)] = String(value);
  if (crashAt !== undefined) environment.MILLRACE_CRASH_AT = crashAt;
  return environment;
}
