/** A set of slots (dense ids) to be emptied as a whole: one byte a slot and a list of members. */
export class SlotSet {
  private members = new Int32Array(1024);
  private marks = new Uint8Array(1024);
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(slot: number): void {
    if (slot >= this.marks.length) this.growMarks(slot);
    if (this.marks[slot] === 1) return;
    this.marks[slot] = 1;
    if (this.count === this.members.length) {
      const members = new Int32Array(this.count * 2);
      members.set(this.members);
      this.members = members;
    }
    this.members[this.count++] = slot;
  }

  /** Calls `take` for every member, in the order in which they came, and empties the set. */
  drain(take: (slot: number) => void): void {
    for (let i = 0; i < this.count; i++) {
      this.marks[this.members[i]] = 0;
      take(this.members[i]);
    }
    this.count = 0;
  }

  private growMarks(slot: number): void {
    const marks = new Uint8Array(Math.max(slot + 1, this.marks.length * 2));
    marks.set(this.marks);
    this.marks = marks;
  }
}
