import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Marks a home folder as run by one process: two would fence each other's checkpoints. */
export class HomeLock {
  private readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** The lock, or the process id of the running platform that has it. A dead process's lock is taken over. */
  static acquire(home: string): HomeLock | { readonly heldBy: number } {
    mkdirSync(home, { recursive: true });
    const path = join(home, "platform.pid");
    for (;;) {
      if (create(path)) return new HomeLock(path);
      const holder = holderOf(path);
      if (holder === null) continue;
      if (holder !== process.pid && isAlive(holder)) return { heldBy: holder };
      removeStale(path, holder);
    }
  }

  /** Gives the lock up, unless another process has it by now. */
  release(): void {
    if (holderOf(this.path) === process.pid) rmSync(this.path, { force: true });
  }
}

/** Creates the lock file with its content in one step: nobody ever reads a lock without its holder. */
function create(path: string): boolean {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, String(process.pid));
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

/** The process that the lock file names, 0 where it names none, null where there is no lock file. */
function holderOf(path: string): number | null {
  try {
    return Number(readFileSync(path, "utf8")) || 0;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return null;
  }
}

/**
 * Removes the file that a kill left behind. It is moved aside first: where another process has taken
 * the lock since it was read, the one moved is that process's, and goes back.
 */
function removeStale(path: string, holder: number): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (holderOf(aside) !== holder) linkSync(aside, path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
