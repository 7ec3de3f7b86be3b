/** What gives way: leaves the processor to others of its process until that moment at most; 0 ends it. */
export interface GivesWay {
  giveWay(until: number): void;
}

/** Until tasks that begin have caught up, and no longer than this: nobody knows how far behind they are. */
export const GIVE_WAY_MS_MAX = 15_000;

/**
 * Which shares of a process give way to which: events of tasks that begin have waited for seconds already, those of the
 * others not at all. Where several are behind, none of them gives way.
 */
export class GivingWay<T extends GivesWay> {
  private readonly clock: () => number;
  private readonly behind = new Set<T>();
  private shares: readonly T[] = [];
  private until = 0;

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** The process has these shares from now on. Those that were not among them before are behind. */
  changeTo(shares: readonly T[]): void {
    const beginning = shares.filter((share) => !this.shares.includes(share));
    for (const share of this.behind) if (!shares.includes(share)) this.behind.delete(share);
    for (const share of beginning) this.behind.add(share);
    if (beginning.length > 0) this.until = this.clock() + GIVE_WAY_MS_MAX;
    this.shares = shares;
    this.tell();
  }

  caughtUp(share: T): void {
    if (this.behind.delete(share)) this.tell();
  }

  private tell(): void {
    const until = this.behind.size > 0 ? this.until : 0;
    for (const share of this.shares) share.giveWay(this.behind.has(share) ? 0 : until);
  }
}
