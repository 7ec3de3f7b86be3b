import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const MARK = /^unsynced-(?<boot>[0-9a-z-]+)\.(?<pid>\d+)\.[0-9a-f]+$/i;
const DATA_FILE = "data.mdb";

/**
 * Says that an LMDB environment is written to without syncs of the disk: a file beside it for each writer, with the
 * boot of the machine and the process, which is there before the first write and until the disk has them all. A
 * process that dies leaves its writes with the system; a file of another boot tells that the machine
 * itself went down meanwhile: the disk may have any part of them, and what LMDB makes of that is not to be relied on.
 */
export class UnsyncedMarks {
  private readonly folder: string;
  private readonly boot: string;
  private readonly own: string;
  private isPut = false;

  constructor(folder: string, boot: string) {
    this.folder = folder;
    this.boot = boot;
    this.own = `unsynced-${boot}.${process.pid}.${randomBytes(6).toString("hex")}`;
  }

  /** Whether the machine went down while somebody wrote there; `boot` is null where the system tells none. */
  static tellOfLoss(folder: string, boot: string | null): boolean {
    return marksIn(folder).some((mark) => mark.boot !== boot);
  }

  /** To be called ahead of each write. */
  put(): void {
    if (this.isPut) return;
    const file = openSync(join(this.folder, this.own), "w");
    closeSync(file);
    syncPath(this.folder);
    this.isPut = true;
  }

  /**
   * Waits for the disk, then takes away the mark and those of processes that have ended. One of another container
   * counts as ended: where its writes may come later, the mark should have stayed.
   */
  settle(): void {
    const data = join(this.folder, DATA_FILE);
    // Somebody may have taken the folder away: there is nothing to keep then.
    if (!this.isPut || !existsSync(data)) return;
    syncPath(data);
    for (const { name, boot, pid } of marksIn(this.folder)) {
      if (name === this.own || (boot === this.boot && !isRunning(pid)))
        rmSync(join(this.folder, name), { force: true });
    }
    this.isPut = false;
  }
}

interface Mark {
  readonly name: string;
  readonly boot: string;
  readonly pid: number;
}

function marksIn(folder: string): Mark[] {
  return namesIn(folder).flatMap((name) => {
    const { boot, pid } = MARK.exec(name)?.groups ?? {};
    return boot === undefined ? [] : [{ name, boot, pid: Number(pid) }];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
