import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
      try {
        writeFileSync(path, String(process.pid), { flag: "wx" });
        return new HomeLock(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        const holder = Number(readFileSync(path, "utf8"));
        if (holder !== process.pid && isAlive(holder)) return { heldBy: holder };
        // A kill leaves the file behind; whoever comes next removes it and tries again.
        rmSync(path, { force: true });
      }
    }
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
