import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A process as the lock file names it. The process id alone does not do: ids come again after a
 * restart, and in containers they nearly always do.
 */
interface Holder {
  readonly pid: number;
  /** When the process began, in a form of its system; null where the system does not tell. */
  readonly startedAt: string | null;
  /** Which boot of which machine; null where the system does not tell. */
  readonly bootId: string | null;
}

/**
 * Marks a home folder as run by one process: two would fence each other's checkpoints.
 *
 * A lock of another boot is stale: its processes have ended with it, or run on another machine, with
 * which a home (LMDB's memory maps) cannot be shared. So is one whose process is not to be seen from
 * here, say of another container on this machine: a restarted container must come up by itself, and
 * two that share a volume are stopped by the fencing of checkpoints, not by this file.
 */
export class HomeLock {
  private readonly path: string;
  private released = false;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * The lock, or the process id of the running platform that has it, which may be this process. A
   * dead process's lock is taken over.
   */
  static acquire(home: string): HomeLock | { readonly heldBy: number } {
    mkdirSync(home, { recursive: true });
    const path = join(home, "platform.pid");
    for (;;) {
      if (create(path)) return new HomeLock(path);
      const text = read(path);
      if (text === null) continue;
      const holder = parseHolder(text);
      if (holder !== null && isRunning(holder)) return { heldBy: holder.pid };
      removeStale(path, text);
    }
  }

  /** The process id of the running platform that has the lock, or null. */
  static holder(home: string): number | null {
    const text = read(join(home, "platform.pid"));
    const holder = text === null ? null : parseHolder(text);
    return holder !== null && isRunning(holder) ? holder.pid : null;
  }

  /** Gives the lock up, unless another process has it by now. */
  release(): void {
    if (!this.released && read(this.path) === JSON.stringify(self)) rmSync(this.path, { force: true });
    this.released = true;
  }
}

const self: Holder = {
  pid: process.pid,
  // Where the system tells nothing, this still tells this process from one before it that had its id.
  startedAt: processStat(process.pid)?.startedAt ?? `origin ${performance.timeOrigin}`,
  bootId: bootId(),
};

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

/** The process that a lock file names, or null where it names none. */
function parseHolder(text: string): Holder | null {
  try {
    const { pid, startedAt, bootId } = JSON.parse(text) as Partial<Holder>;
    if (!Number.isInteger(pid) || (pid as number) <= 0) return null;
    return { pid: pid as number, startedAt: textOrNull(startedAt), bootId: textOrNull(bootId) };
  } catch {
    return null;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
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

function isRunning(holder: Holder): boolean {
  if (holder.bootId !== null && self.bootId !== null && holder.bootId !== self.bootId) return false;
  if (holder.pid === self.pid) return holder.startedAt === self.startedAt;
  if (!isAlive(holder.pid)) return false;
  const stat = processStat(holder.pid);
  // Not told, or hidden from this user: the process id has to do.
  if (stat === null || holder.startedAt === null) return true;
  return !stat.ended && stat.startedAt === holder.startedAt;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** State and start (clock ticks since boot) of a process by Linux's proc(5), or null where there is none. */
function processStat(pid: number): { readonly ended: boolean; readonly startedAt: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 2 is the name in brackets and may hold anything; the fields from 3 on follow its last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { ended: fields[0] === "Z" || fields[0] === "X", startedAt: fields[22 - 3] };
  } catch {
    return null;
  }
}

function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
