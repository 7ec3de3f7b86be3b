import type { SlotArray, StateSection } from "../../schema/index.ts";

/** Places in the ring's own numbers. */
const HEAD = 0;
const COUNT = 1;

/**
 * Scores that wait for their label, at most one an entity and `capacity` in all: with more, later ones
 * are not followed. Expiry asks the oldest first; an entity that has moved since goes to the end.
 */
export class PendingLabels {
  private readonly capacity: number;
  private readonly entities: SlotArray<Int32Array>;
  private readonly times: SlotArray<Float64Array>;
  private readonly scores: SlotArray<Float64Array>;
  private readonly ring: SlotArray<Int32Array>;
  /** Place of each entity; derived from the arrays. */
  private readonly places = new Map<number, number>();

  constructor(section: StateSection, capacity: number) {
    this.capacity = capacity;
    this.entities = section.int32("pending-entities", -1);
    this.times = section.float64("pending-times");
    this.scores = section.float64("pending-scores");
    this.ring = section.int32("pending-ring");
  }

  get size(): number {
    return this.places.size;
  }

  /** Follows a score, unless one of the entity is followed already or there is no room. */
  add(entity: number, timeMs: number, score: number): void {
    this.ensure();
    if (this.places.has(entity) || this.ring.values[COUNT] === this.capacity) return;
    this.push(entity, timeMs, score);
  }

  /** The entity's score, which is followed no more; NaN where there is none. */
  take(entity: number): number {
    const place = this.places.get(entity);
    if (place === undefined) return Number.NaN;
    this.places.delete(entity);
    this.entities.values[place] = -1;
    this.entities.mark(place);
    return this.scores.values[place];
  }

  /**
   * Takes the scores of all entities whose newest event, by `newestOf`, is older than `beforeMs`; that is
   * told the time of the score, too.
   */
  expire(
    beforeMs: number,
    newestOf: (entity: number, timeMs: number) => number,
    onExpired: (score: number, newestMs: number) => void,
  ): void {
    if (this.ring.length === 0) return;
    for (let left = this.ring.values[COUNT]; left > 0; left--) {
      const place = this.ring.values[HEAD];
      if (this.times.values[place] >= beforeMs) return;
      this.ring.values[HEAD] = (place + 1) % this.capacity;
      this.ring.values[COUNT]--;
      this.ring.mark(0);
      const entity = this.entities.values[place];
      if (entity < 0) continue;
      const score = this.take(entity);
      const newest = newestOf(entity, this.times.values[place]);
      if (newest < beforeMs) onExpired(score, newest);
      else this.push(entity, newest, score);
    }
  }

  afterRestore(): void {
    this.ensure();
    this.places.clear();
    const { values } = this.ring;
    for (let i = 0; i < values[COUNT]; i++) {
      const place = (values[HEAD] + i) % this.capacity;
      if (this.entities.values[place] >= 0) this.places.set(this.entities.values[place], place);
    }
  }

  private push(entity: number, timeMs: number, score: number): void {
    const { values } = this.ring;
    const place = (values[HEAD] + values[COUNT]++) % this.capacity;
    this.entities.values[place] = entity;
    this.times.values[place] = timeMs;
    this.scores.values[place] = score;
    this.places.set(entity, place);
    for (const array of [this.entities, this.times, this.scores]) array.mark(place);
    this.ring.mark(0);
  }

  private ensure(): void {
    for (const array of [this.entities, this.times, this.scores]) array.ensure(this.capacity);
    this.ring.ensure(2);
  }
}
