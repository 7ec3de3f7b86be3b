/**
 * Work that is done in order and in steps, where no record waits. A generator of steps yields how much each
 * was: keys or rows, a microsecond or so apiece. It is no state: who holds it finishes it in front of a cut.
 */
export class PutOff {
  private readonly works: Generator<number, void>[] = [];

  get isEmpty(): boolean {
    return this.works.length === 0;
  }

  /** Works that are not done. */
  get length(): number {
    return this.works.length;
  }

  add(work: Generator<number, void>): void {
    this.works.push(work);
  }

  /** Does about so much of it; whether there is more. */
  some(amount: number): boolean {
    for (let left = amount; this.works.length > 0 && left > 0; ) {
      const step = this.works[0].next();
      if (step.done === true) this.works.shift();
      else left -= step.value;
    }
    return this.works.length > 0;
  }

  finish(): void {
    this.some(Number.POSITIVE_INFINITY);
  }
}
