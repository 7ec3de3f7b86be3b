/** Hands messages to one receiver at a time; what comes while there is none waits for the next. */
export class Inbox<T> {
  private waiting: T[] = [];
  private receiver: ((message: T) => void) | null = null;

  /** For whatever messages come from. */
  readonly put = (message: T): void => {
    if (this.receiver === null) this.waiting.push(message);
    else this.receiver(message);
  };

  /** From here on all of them go to the receiver. */
  receiveAll(receiver: (message: T) => void): void {
    this.receiver = receiver;
    const { waiting } = this;
    this.waiting = [];
    for (const message of waiting) this.put(message);
  }
  /** What comes from here on waits for the next receiver. */
  hold(): void {
    this.receiver = null;
  }
}
