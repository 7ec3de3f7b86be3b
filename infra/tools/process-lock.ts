import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError } from "../../schema/index.ts";
import { isRunning, parseIdentity, self } from "./process-identity.ts";

const POLL_MS = 100;

/** A file that names the one process that may do something. That of a process that ended is taken over. */
export class ProcessLock {
  private readonly path: string;
  private released = false;

  private constructor(path: string) {
    this.path = path;
  }

  /** The lock, or the process id of its holder, which may be this process. */
  static acquire(path: string): ProcessLock | { readonly heldBy: number } {
    for (;;) {
      if (create(path)) return new ProcessLock(path);
      const text = read(path);
      if (text === null) continue;
      const holder = parseIdentity(text);
      if (holder !== null && isRunning(holder)) return { heldBy: holder.pid };
      removeStale(path, text);
    }
  }

  /** The process id of the running holder, or null. */
  static holder(path: string): number | null {
    const text = read(path);
    const holder = text === null ? null : parseIdentity(text);
    return holder !== null && isRunning(holder) ? holder.pid : null;
  }

  /** Gives the lock up, unless another process has it by now. */
  release(): void {
    if (!this.released && read(this.path) === JSON.stringify(self)) rmSync(this.path, { force: true });
    this.released = true;
  }
}

/** Runs `action` in one process, and once in that one, at a time; waits for its turn at most `waitMsMax`. */
export async function withLock<T>(
  path: string,
  { waitMsMax }: { readonly waitMsMax: number },
  action: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + waitMsMax;
  for (;;) {
    const lock = ProcessLock.acquire(path);
    if (lock instanceof ProcessLock) {
      try {
        return await action();
      } finally {
        lock.release();
      }
    }
    if (performance.now() > deadline) {
      throw new MillraceError(`${path} is still held by process ${lock.heldBy}: wait for it or end it`, {
        code: "lock-held",
        origin: "external",
        retry: true,
      });
    }
    await sleep(POLL_MS);
  }
}

/** Creates the lock file with its content in one step: nobody ever reads a lock without its holder. */
function create(path: string): boolean {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(self));
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return null;
  }
}

/**
 * Removes the file that a kill left behind. It is moved aside first: where another process has taken
 * the lock since it was read, the one moved is that process's, and goes back.
 */
function removeStale(path: string, text: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== text) linkSync(aside, path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
