import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { MALLOC } from "../platform/engine-settings.ts";
import { BenchError } from "./bench-error.ts";

/** An entry file of this folder, as it runs: compiled, or as source under Node's type stripping. */
export function entry(name: string): URL {
  return new URL(`./${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}

/**
 * Starts an entry in a process of its own. Its standard error is ours unless it is to be read; it is killed
 * with the signal.
 * Messages of the child's IPC channel are its results. `environment` is put over this process's, which
 * is put over that of the `millrace` command.
 */
export function startChild(
  name: string,
  args: readonly string[],
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
  stderr: "inherit" | "pipe" = "inherit",
): ChildProcess {
  const child = fork(entry(name), [...args], {
    env: { ...MALLOC, ...process.env, ...environment },
    stdio: ["ignore", "inherit", stderr, "ipc"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  child.once("exit", () => signal.removeEventListener("abort", kill));
  if (signal.aborted) kill();
  return child;
}

/** The child's one message. Rejects with BenchError where it ends without one or with a failure. */
export async function childResult<T>(
  name: string,
  args: readonly string[],
  signal: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = startChild(name, args, signal, environment);
  const messages: T[] = [];
  child.on("message", (message) => messages.push(message as T));
  // Not `exit`, which may come before its message.
  const [code, killedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (code !== 0 || messages.length === 0) {
    throw new BenchError(`${name} ended with ${killedBy ?? `exit code ${code}`}; its message is above`);
  }
  return messages[0];
}

/** The child's messages, one after another; rejects with BenchError where it ends before the next. */
export function childMessages<T>(name: string, child: ChildProcess): () => Promise<T> {
  const messages: T[] = [];
  let wake: (() => void) | null = null;
  let ended: string | null = null;
  child.on("message", (message) => {
    messages.push(message as T);
    wake?.();
  });
  child.once("close", (code, killedBy) => {
    ended = killedBy ?? `exit code ${code}`;
    wake?.();
  });
  return async () => {
    while (messages.length === 0) {
      if (ended !== null) throw new BenchError(`${name} ended with ${ended}; its message is above`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return messages.shift() as T;
  };
}

/**
 * Sends a child's result to the bench. Resolves when all of it is on its way: a process that disconnects
 * before cuts off what is longer than a socket holds, and the bench never sees it.
 */
export function sendResult(result: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) return resolve();
    process.send(result, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
