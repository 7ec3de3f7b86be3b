import { join } from "node:path";
import { ProcessLock } from "../tools/process-lock.ts";

/**
 * Marks a home folder as run by one process: two would fence each other's checkpoints.
 *
 * A lock of another boot is stale: its processes have ended with it, or run on another machine, with
 * which a home (LMDB's memory maps) cannot be shared. So is one whose process is not to be seen from
 * here, say of another container on this machine: a restarted container must come up by itself, and
 * two that share a volume are stopped by the fencing of checkpoints, not by this file.
 */
export class HomeLock {
  private readonly lock: ProcessLock;

  private constructor(lock: ProcessLock) {
    this.lock = lock;
  }

  /**
   * The lock, or the process id of the running platform that has it, which may be this process. A
   * dead process's lock is taken over.
   */
  static acquire(home: string): HomeLock | { readonly heldBy: number } {
    const lock = ProcessLock.acquire(lockFile(home));
    return lock instanceof ProcessLock ? new HomeLock(lock) : lock;
  }

  /** The process id of the running platform that has the lock, or null. */
  static holder(home: string): number | null {
    return ProcessLock.holder(lockFile(home));
  }

  /** Gives the lock up, unless another process has it by now. */
  release(): void {
    this.lock.release();
  }
}

function lockFile(home: string): string {
  return join(home, "platform.pid");
}
