/** A set of slots (dense ids) that is emptied in the order of arrival: one byte a slot and a list of members. */
export class SlotSet {
  private members = new Int32Array(1024);
  private marks = new Uint8Array(1024);
  /** Members lie at [first, end) of the list. */
  private first = 0;
  private end = 0;

  get size(): number {
    return this.end - this.first;
  }

  has(slot: number): boolean {
    return slot < this.marks.length && this.marks[slot] === 1;
  }

  add(slot: number): void {
    if (slot >= this.marks.length) this.growMarks(slot);
    if (this.marks[slot] === 1) return;
    this.marks[slot] = 1;
    if (this.end === this.members.length) this.makeRoom();
    this.members[this.end++] = slot;
  }

  /** Removes and returns the members that came first, at most so many. */
  take(membersMax: number): Int32Array {
    const members = this.members.slice(this.first, Math.min(this.end, this.first + membersMax));
    for (const slot of members) this.marks[slot] = 0;
    this.first += members.length;
    if (this.first === this.end) this.first = this.end = 0;
    return members;
  }

  /** Puts the members that came first, at most so many, into another order; `order` returns them all. */
  arrange(membersMax: number, order: (members: Int32Array) => Int32Array): void {
    const members = this.members.subarray(this.first, Math.min(this.end, this.first + membersMax));
    members.set(order(members));
  }

  private makeRoom(): void {
    const kept = this.members.subarray(this.first, this.end);
    const members =
      this.size * 2 > this.members.length ? new Int32Array(this.members.length * 2) : this.members;
    members.set(kept);
    this.members = members;
    this.end = kept.length;
    this.first = 0;
  }

  private growMarks(slot: number): void {
    const marks = new Uint8Array(Math.max(slot + 1, this.marks.length * 2));
    marks.set(this.marks);
    this.marks = marks;
  }
}
