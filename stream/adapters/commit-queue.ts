import { MillraceError } from "../../schema/index.ts";

/** Bytes that wait for a commit before it happens at once, within the turn. */
const WAITING_BYTES_MAX = 32 << 20;

interface Pending {
  readonly body: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs the writes of one turn of the event loop in one transaction, or each at once where it gathers none.
 * Where a transaction fails, all of them fail; each write is all or nothing by itself, because the transaction is.
 */
export class CommitQueue {
  private readonly commit: (body: () => void) => void;
  private readonly waitingBytesMax: number;
  private pending: Pending[] = [];
  private pendingBytes = 0;
  private closed = false;

  constructor(commit: (body: () => void) => void, { gathers }: { readonly gathers: boolean }) {
    this.commit = commit;
    this.waitingBytesMax = gathers ? WAITING_BYTES_MAX : -1;
  }

  async run<T>(bytes: number, body: () => T): Promise<T> {
    if (this.closed)
      throw new MillraceError("the event log is closed", { code: "log-closed", origin: "internal" });
    let result!: T;
    await new Promise<void>((resolve, reject) => {
      const write = (): void => {
        result = body();
      };
      this.pending.push({ body: write, resolve, reject });
      this.pendingBytes += bytes;
      if (this.pendingBytes > this.waitingBytesMax) this.flush();
      else if (this.pending.length === 1) setImmediate(() => this.flush());
    });
    return result;
  }

  /** Commits what waits; nothing can be added afterwards. */
  close(): void {
    this.flush();
    this.closed = true;
  }

  private flush(): void {
    const group = this.pending;
    if (group.length === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
    try {
      this.commit(() => {
        for (const write of group) write.body();
      });
    } catch (error) {
      for (const write of group) write.reject(error);
      return;
    }
    for (const write of group) write.resolve();
  }
}
