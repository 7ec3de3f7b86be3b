import type { StateSection } from "../../schema/index.ts";

/**
 * Revisions of results that late rows changed, by key and window. Only changed results are in it: one
 * that was reported once and never touched has none. Rare, so plain maps index it.
 */
export class RevisionTable {
  private readonly keys;
  private readonly windows;
  private readonly revisions;
  private readonly pending;
  private readonly notes;
  private readonly numbers;
  private index: Map<number, Map<number, number>> | null = null;
  private pendingCount = 0;

  constructor(section: StateSection, prefix: string) {
    this.keys = section.int32(`${prefix}-keys`);
    this.windows = section.float64(`${prefix}-windows`);
    this.revisions = section.int32(`${prefix}-revisions`);
    this.pending = section.uint8(`${prefix}-pending`);
    this.notes = section.uint8(`${prefix}-notes`);
    this.numbers = section.float64(`${prefix}-count`);
    this.numbers.ensure(1);
  }

  /** Notes that the result changed; `reported` says whether a revision 1 of it had been emitted. */
  touch(key: number, window: number, reported: boolean): void {
    const byKey = this.windowIndex(window);
    let entry = byKey.get(key);
    if (entry === undefined) {
      entry = this.append(key, window, reported ? 1 : 0);
      byKey.set(key, entry);
    }
    if (this.pending.values[entry] === 1) return;
    this.pending.values[entry] = 1;
    this.pending.mark(entry);
    this.pendingCount += 1;
  }

  /** Calls back each changed result with its next revision, in the order in which they changed. */
  takePending(take: (key: number, window: number, revision: number) => void): void {
    this.entries();
    if (this.pendingCount === 0) return;
    for (let entry = 0; entry < this.numbers.values[0]; entry++) {
      if (this.pending.values[entry] === 0) continue;
      this.pending.values[entry] = 0;
      this.pending.mark(entry);
      this.revisions.values[entry] += 1;
      this.revisions.mark(entry);
      take(this.keys.values[entry], this.windows.values[entry], this.revisions.values[entry]);
    }
    this.pendingCount = 0;
  }

  /** Gives the result its next revision at once, with a note of the owner's (a byte). */
  bump(key: number, window: number, reported: boolean, note = 0): number {
    const byKey = this.windowIndex(window);
    let entry = byKey.get(key);
    if (entry === undefined) {
      entry = this.append(key, window, reported ? 1 : 0);
      byKey.set(key, entry);
    }
    this.revisions.values[entry] += 1;
    this.revisions.mark(entry);
    this.notes.values[entry] = note;
    this.notes.mark(entry);
    return this.revisions.values[entry];
  }

  /** The note of the last {@link bump}, or 0. */
  note(key: number, window: number): number {
    const entry = this.entries().get(window)?.get(key);
    return entry === undefined ? 0 : this.notes.values[entry];
  }

  /** Forgets windows before `window` (compared as given to touch). */
  dropBefore(window: number): void {
    const index = this.entries();
    let dropped = false;
    for (const key of index.keys()) if (key < window) dropped = index.delete(key) || dropped;
    if (dropped) this.compact(window);
  }

  afterRestore(): void {
    this.index = null;
  }

  private append(key: number, window: number, revision: number): number {
    const entry = this.numbers.values[0];
    this.numbers.values[0] = entry + 1;
    this.numbers.mark(0);
    this.set(entry, key, window, revision);
    this.pending.values[entry] = 0;
    this.notes.values[entry] = 0;
    return entry;
  }

  private set(entry: number, key: number, window: number, revision: number): void {
    for (const array of [this.keys, this.windows, this.revisions, this.pending, this.notes]) {
      array.ensure(entry + 1);
      array.mark(entry);
    }
    this.keys.values[entry] = key;
    this.windows.values[entry] = window;
    this.revisions.values[entry] = revision;
  }

  private compact(window: number): void {
    let kept = 0;
    for (let entry = 0; entry < this.numbers.values[0]; entry++) {
      const at = this.windows.values[entry];
      if (at < window) continue;
      this.set(kept, this.keys.values[entry], at, this.revisions.values[entry]);
      this.pending.values[kept] = this.pending.values[entry];
      this.notes.values[kept] = this.notes.values[entry];
      kept += 1;
    }
    this.numbers.values[0] = kept;
    this.numbers.mark(0);
    this.index = null;
  }

  private windowIndex(window: number): Map<number, number> {
    const index = this.entries();
    let byKey = index.get(window);
    if (byKey === undefined) {
      byKey = new Map();
      index.set(window, byKey);
    }
    return byKey;
  }

  private entries(): Map<number, Map<number, number>> {
    if (this.index !== null) return this.index;
    this.index = new Map();
    this.pendingCount = 0;
    for (let entry = 0; entry < this.numbers.values[0]; entry++) {
      this.windowIndex(this.windows.values[entry]).set(this.keys.values[entry], entry);
      this.pendingCount += this.pending.values[entry];
    }
    return this.index;
  }
}
