import { readFileSync } from "node:fs";

/**
 * A process as a file names it. The process id alone does not do: ids come again after a restart, and
 * in containers they nearly always do.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, in a form of its system; null where the system does not tell. */
  readonly startedAt: string | null;
  /** Which boot of which machine; null where the system does not tell. */
  readonly bootId: string | null;
}

const boot = bootId();

/** This process. */
export const self: ProcessIdentity = {
  pid: process.pid,
  // Where the system tells nothing, this still tells this process from one before it that had its id.
  startedAt: processStat(process.pid)?.startedAt ?? `origin ${performance.timeOrigin}`,
  bootId: boot,
};

/** The process that has this id now. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, startedAt: processStat(pid)?.startedAt ?? null, bootId: boot };
}

/** The process that a JSON text names, or null where it names none. */
export function parseIdentity(text: string): ProcessIdentity | null {
  try {
    const { pid, startedAt, bootId } = JSON.parse(text) as Partial<ProcessIdentity>;
    if (!Number.isInteger(pid) || (pid as number) <= 0) return null;
    return { pid: pid as number, startedAt: textOrNull(startedAt), bootId: textOrNull(bootId) };
  } catch {
    return null;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** Whether it is still this process that has the id; one of another boot has ended with it. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.bootId !== null && boot !== null && identity.bootId !== boot) return false;
  if (identity.pid === self.pid) return identity.startedAt === self.startedAt;
  if (!isAlive(identity.pid)) return false;
  const stat = processStat(identity.pid);
  // Not told, or hidden from this user: the process id has to do.
  if (stat === null || identity.startedAt === null) return true;
  return !stat.ended && stat.startedAt === identity.startedAt;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
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
