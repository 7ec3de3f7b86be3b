import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What differs after every start of the machine, and after nothing else; null where the system tells none. */
export function machineBootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return null;
  }
}

const BOOT_FOLDER = /^boot-[0-9a-z-]+$/i;

/**
 * A folder below `path` that lasts as long as the machine runs; those of earlier boots are removed. What
 * is in it may be written without a sync of the disk: a process that dies leaves its writes with
 * the system, and behind a power loss, which may leave any part of them, nobody looks into it again.
 */
export function bootFolder(path: string, bootId: string): string {
  const name = `boot-${bootId}`;
  mkdirSync(join(path, name), { recursive: true });
  for (const other of readdirSync(path)) {
    if (other !== name && BOOT_FOLDER.test(other))
      rmSync(join(path, other), { recursive: true, force: true });
  }
  return join(path, name);
}
