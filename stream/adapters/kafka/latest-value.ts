/** Hands the newest value to one reader; a value that another has overtaken before it was read is left out. */
export class LatestValue<T> {
  private next: { readonly value: T } | null = null;
  private ended = false;
  private failure: { readonly error: unknown } | null = null;
  private changed: (() => void) | null = null;

  put(value: T): void {
    this.next = { value };
    this.changed?.();
  }

  end(): void {
    this.ended = true;
    this.changed?.();
  }

  fail(error: unknown): void {
    this.failure = { error };
    this.changed?.();
  }

  /** `done` is called with a value when the reader asks for the one behind it. */
  async *values(done: (value: T) => void): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.failure !== null) throw this.failure.error;
      if (this.ended) return;
      if (this.next !== null) {
        const { value } = this.next;
        this.next = null;
        yield value;
        done(value);
        continue;
      }
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    }
  }
}
