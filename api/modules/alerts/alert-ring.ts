import type { PositionedAlert } from "../../../stream/index.ts";

/** The newest alerts of the tail, by position and by cursor; holds at most `max`. */
export class AlertRing {
  private readonly max: number;
  private readonly entries: PositionedAlert[] = [];
  private readonly indexOf = new Map<string, number>();
  private next = 0;

  constructor(max: number) {
    this.max = max;
  }

  push(positioned: PositionedAlert): void {
    const slot = this.next % this.max;
    if (this.next >= this.max) this.indexOf.delete(this.entries[slot].cursor);
    this.entries[slot] = positioned;
    this.indexOf.set(positioned.cursor, this.next);
    this.next += 1;
  }

  /** The alerts behind a cursor, oldest first; null where the cursor is not one of the ring's. */
  after(cursor: string): readonly PositionedAlert[] | null {
    const index = this.indexOf.get(cursor);
    if (index === undefined) return null;
    const result: PositionedAlert[] = [];
    for (let i = index + 1; i < this.next; i++) result.push(this.entries[i % this.max]);
    return result;
  }

  clear(): void {
    this.entries.length = 0;
    this.indexOf.clear();
    this.next = 0;
  }
}
