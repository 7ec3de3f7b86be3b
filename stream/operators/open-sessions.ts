/** Two sessions of a user that an event bridged. */
export interface SessionMerge {
  /** Row of the batch in hand whose event did it. */
  readonly row: number;
  /** From this row on `from` is part of `into`. */
  readonly into: number;
  readonly from: number;
}

/**
 * The sessions of a task that may still change, for steps behind the sessionizer that keep state by
 * session: a session is a slot, a small number that is used again when it has ended.
 */
export class OpenSessions {
  /** Session of each row in hand; undefined where the row is a duplicate or too late. */
  ofRow = new Int32Array(4096);
  /** Merges of the rows in hand, in their order. */
  readonly merges: SessionMerge[] = [];
  /** Every session is below this. */
  slotCount = 0;
  private readonly endListeners: ((session: number) => void)[] = [];

  /** Calls back each session that ended, before its slot is used again. */
  onEnd(listener: (session: number) => void): void {
    this.endListeners.push(listener);
  }

  /** Other rows come in hand, all of them before `to`. */
  begin(to: number): void {
    this.merges.length = 0;
    if (this.ofRow.length < to) this.ofRow = new Int32Array(to);
  }

  end(session: number): void {
    for (const listener of this.endListeners) listener(session);
  }
}
