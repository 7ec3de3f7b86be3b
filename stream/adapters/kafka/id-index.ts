/**
 * First offsets of the newest ids, `idsMax` of them at most, half of that at least: two generations,
 * of which the older one is dropped when the newer is full.
 */
export class IdIndex {
  private newer = new Map<string, number>();
  private older = new Map<string, number>();
  private readonly generationMax: number;

  constructor(idsMax: number) {
    this.generationMax = Math.ceil(idsMax / 2);
  }

  /** Keeps the lower of both offsets. */
  note(id: string, offset: number): void {
    const known = this.first(id);
    if (known !== undefined && known <= offset) return;
    if (this.newer.size >= this.generationMax) {
      this.older = this.newer;
      this.newer = new Map();
    }
    this.newer.set(id, offset);
  }

  clear(): void {
    this.newer = new Map();
    this.older = new Map();
  }

  first(id: string): number | undefined {
    return this.newer.get(id) ?? this.older.get(id);
  }
}
