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

  /** Empties the set and returns what was in it, in the order in which it came. */
  take(): Int32Array {
    const members = this.members.slice(0, this.count);
    for (const slot of members) this.marks[slot] = 0;
    this.count = 0;
    return members;
  }

  private growMarks(slot: number): void {
    const marks = new Uint8Array(Math.max(slot + 1, this.marks.length * 2));
    marks.set(this.marks);
    this.marks = marks;
  }
}
