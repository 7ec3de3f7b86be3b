import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import { withLock } from "../tools/process-lock.ts";
import type { Environment } from "./tools.ts";

const INSTALL_MS_MAX = 45 * 60_000;
const PROGRESS_MS = 15_000;
const OUTPUT_CHARS_MAX = 4_000;

/** Says one line to whoever waits. */
export type Say = (line: string) => void;

/** `MILLRACE_CACHE/servers`, or `~/.cache/millrace/servers`: shared by all checkouts of one user. */
export function serversCache(environment: Environment = process.env): string {
  return join(environment.MILLRACE_CACHE ?? join(homedir(), ".cache", "millrace"), "servers");
}

/** Fills folders of the cache, each once, by one process at a time. */
export class Installer {
  readonly cache: string;
  readonly #say: Say;

  constructor(cache: string, say: Say) {
    this.cache = cache;
    this.#say = say;
  }

  isInstalled(name: string): boolean {
    return existsSync(join(this.cache, name));
  }

  /**
   * The folder `name` of the cache, filled by `build` unless it is there. It is built beside and then
   * renamed: a kill leaves a folder `name.building`, which the next installation removes, and never
   * half an installation under the name.
   *
   * `build` gets the folder to fill and the one that it becomes.
   */
  async once(name: string, build: (folder: string, final: string) => Promise<void>): Promise<string> {
    const final = join(this.cache, name);
    if (existsSync(final)) return final;
    await mkdir(this.cache, { recursive: true });
    await withLock(`${final}.lock`, { waitMsMax: INSTALL_MS_MAX }, async () => {
      if (existsSync(final)) return;
      const building = `${final}.building`;
      await rm(building, { recursive: true, force: true });
      await mkdir(building);
      await build(building, final);
      await rename(building, final);
    });
    return final;
  }

  /** Runs one step and says from time to time that it still does. Throws `install-failed` with its last output. */
  async step(title: string, command: string, args: readonly string[], options?: StepOptions): Promise<void> {
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 1000);
    this.#say(`${title} …`);
    const progress = setInterval(() => this.#say(`${title} … ${seconds()} s`), PROGRESS_MS);
    try {
      await this.run(title, command, args, options);
    } finally {
      clearInterval(progress);
    }
  }

  /** The same for what takes no time. */
  async run(title: string, command: string, args: readonly string[], options?: StepOptions): Promise<void> {
    const { code, output } = await runToEnd(command, args, options);
    if (code === 0) return;
    throw new MillraceError(
      `${title}: ${command} failed (${code}):\n${output.slice(-OUTPUT_CHARS_MAX).trim()}\n` +
        "Check the network, or the settings of the package manager for a mirror; then install again.",
      { code: "install-failed", origin: "external", retry: true },
    );
  }
}

export interface StepOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function runToEnd(
  command: string,
  args: readonly string[],
  { cwd, environment }: StepOptions = {},
): Promise<{ readonly code: number | string; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: INSTALL_MS_MAX,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = `${output}${text}`.slice(-OUTPUT_CHARS_MAX * 4);
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal ?? "killed", output }));
  });
}
