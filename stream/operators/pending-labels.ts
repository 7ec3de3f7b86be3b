import { hashBytes, mix32, type SlotArray, type StateSection } from "../../schema/index.ts";

// Places in the ring's own numbers. Those behind the second are 0 in states of earlier versions.
const HEAD = 0;
const COUNT = 1;
/** Entities are followed whose hash ends in so many zeros. */
const FOLLOWED_BITS = 2;
/** Of those, labels are told whose hash ends in so many zeros: more of them, after the rate has risen. */
const TOLD_BITS = 3;
/** Places at the head that were taken before the rate rose. */
const OLDER = 4;
/** From here on, by place, which model scored; 0 where that is not known, as in states of earlier versions. */
const MODELS = 16;
// Behind the models, by place, which outcome the score was given at; 0 for none.

interface Pending {
  readonly entity: number;
  readonly timeMs: number;
  readonly score: number;
  readonly model: number;
  readonly outcome: number;
}

/** With more bits, one entity in two billions is followed. */
const BITS_MAX = 31;
/** Share of the places that must be free once room was made: to move all entries costs eight of their places each. */
const FREE_SHARE = 1 / 8;
/** With fewer entries than this share of the places, twice as many entities are followed. */
const FEW_SHARE = 1 / 8;

/**
 * Scores that wait for their label, at most one an entity and `capacity` in all. Where they would be
 * more, those of a sample by the hash of the entity are followed (distinct sampling: Gibbons, VLDB 2001):
 * each time that all places are taken, half of the entities are given up, those followed already among them;
 * when few are left, twice as many are taken. So what is told at any time is one rate of all entities, however
 * soon or late the labels come: after the rate rose it is the one before, until what was followed at that is gone.
 *
 * Scores are told as long as the model that gave them is the one that scores: another one's labels say nothing of it.
 *
 * Expiry asks the oldest first; an entity that has moved since goes to the end.
 */
export class PendingLabels {
  private readonly capacity: number;
  private readonly entities: SlotArray<Int32Array>;
  private readonly times: SlotArray<Float64Array>;
  private readonly scores: SlotArray<Float64Array>;
  private readonly ring: SlotArray<Int32Array>;
  /** Place of each entity; derived from the arrays. */
  private readonly places = new Map<number, number>();
  private leftOutCount = 0;
  /** Of the model that scores. */
  private model = 0;

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

  /** The model that scores from now on. */
  follow(modelVersion: string): void {
    const bytes = new TextEncoder().encode(modelVersion);
    this.model = hashBytes(bytes, 0, bytes.length) || 1;
  }

  /** Scores that were not followed, or given up, for want of room, since this was made. */
  get leftOut(): number {
    return this.leftOutCount;
  }

  /**
   * Follows a score, unless one of the entity is followed already or the entity is not in the sample.
   * @param outcome key of the outcome that the score was given at: what else comes of it is not what it foretells
   */
  add(entity: number, timeMs: number, score: number, outcome = 0): void {
    this.ensure();
    if (this.places.has(entity)) return;
    if (this.isSampled(entity) && this.ring.values[COUNT] === this.capacity) this.makeRoom();
    if (this.isSampled(entity) && this.ring.values[COUNT] < this.capacity)
      this.push({ entity, timeMs, score, model: this.model, outcome: outcome | 0 });
    else this.leftOutCount++;
  }

  /**
   * The entity's score, which is followed no more; NaN where there is none that is told. One that was given at
   * the same outcome stays.
   */
  take(entity: number, outcome = 0): number {
    const place = this.places.get(entity);
    if (place === undefined) return Number.NaN;
    if ((outcome | 0) !== 0 && this.ring.values[this.outcomeAt(place)] === (outcome | 0)) return Number.NaN;
    this.free(entity, place);
    return this.isTold(entity, place) ? this.scores.values[place] : Number.NaN;
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
    this.ensure();
    for (let left = this.ring.values[COUNT]; left > 0; left--) {
      const place = this.ring.values[HEAD];
      if (this.times.values[place] >= beforeMs) break;
      this.dropHead();
      const entity = this.entities.values[place];
      if (entity < 0) continue;
      const score = this.scores.values[place];
      const model = this.ring.values[MODELS + place];
      const outcome = this.ring.values[this.outcomeAt(place)];
      const newest = newestOf(entity, this.times.values[place]);
      this.free(entity, place);
      if (newest >= beforeMs) this.push({ entity, timeMs: newest, score, model, outcome });
      else if (this.isTold(entity, place)) onExpired(score, newest);
    }
    this.followMore();
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

  private push({ entity, timeMs, score, model, outcome }: Pending): void {
    const { values } = this.ring;
    const place = (values[HEAD] + values[COUNT]++) % this.capacity;
    this.entities.values[place] = entity;
    this.times.values[place] = timeMs;
    this.scores.values[place] = score;
    values[MODELS + place] = model;
    values[this.outcomeAt(place)] = outcome;
    this.places.set(entity, place);
    for (const array of [this.entities, this.times, this.scores]) array.mark(place);
    this.ring.mark(0);
    this.ring.mark(MODELS + place);
    this.ring.mark(this.outcomeAt(place));
  }

  private free(entity: number, place: number): void {
    this.places.delete(entity);
    this.entities.values[place] = -1;
    this.entities.mark(place);
  }

  private dropHead(): void {
    const { values } = this.ring;
    values[HEAD] = (values[HEAD] + 1) % this.capacity;
    values[COUNT]--;
    if (values[OLDER] > 0 && --values[OLDER] === 0) values[TOLD_BITS] = values[FOLLOWED_BITS];
    this.ring.mark(0);
  }

  /** Closes the gaps of entities that were taken, and gives up half of the entities as long as that is not enough. */
  private makeRoom(): void {
    const { values } = this.ring;
    const sizeMax = this.capacity * (1 - FREE_SHARE);
    while (this.places.size > sizeMax && values[FOLLOWED_BITS] < BITS_MAX) {
      values[FOLLOWED_BITS]++;
      values[TOLD_BITS] = Math.max(values[TOLD_BITS], values[FOLLOWED_BITS]);
      for (const [entity, place] of this.places) {
        if (this.isSampled(entity)) continue;
        this.free(entity, place);
        this.leftOutCount++;
      }
    }
    this.closeGaps();
  }

  private closeGaps(): void {
    const { values } = this.ring;
    const { entities, times, scores } = this;
    let kept = 0;
    let older = 0;
    for (let i = 0; i < values[COUNT]; i++) {
      const from = (values[HEAD] + i) % this.capacity;
      const entity = entities.values[from];
      if (entity < 0) continue;
      const to = (values[HEAD] + kept++) % this.capacity;
      if (i < values[OLDER]) older++;
      entities.values[from] = -1;
      entities.values[to] = entity;
      times.values[to] = times.values[from];
      scores.values[to] = scores.values[from];
      values[MODELS + to] = values[MODELS + from];
      values[this.outcomeAt(to)] = values[this.outcomeAt(from)];
      this.places.set(entity, to);
    }
    values[COUNT] = kept;
    values[OLDER] = older;
    if (older === 0) values[TOLD_BITS] = values[FOLLOWED_BITS];
    for (const array of [entities, times, scores]) array.markRange(0, this.capacity);
    this.ring.markRange(0, this.outcomeAt(this.capacity));
  }

  /** Doubles the rate where few are left, unless that happened and what was followed before is not gone yet. */
  private followMore(): void {
    const { values } = this.ring;
    if (values[FOLLOWED_BITS] === 0 || values[OLDER] > 0) return;
    if (this.places.size >= this.capacity * FEW_SHARE) return;
    values[FOLLOWED_BITS]--;
    values[OLDER] = values[COUNT];
    if (values[OLDER] === 0) values[TOLD_BITS] = values[FOLLOWED_BITS];
    this.ring.mark(0);
  }

  private isSampled(entity: number): boolean {
    return endsInZeros(entity, this.ring.values[FOLLOWED_BITS]);
  }

  private isTold(entity: number, place: number): boolean {
    const model = this.ring.values[MODELS + place];
    return (model === this.model || model === 0) && endsInZeros(entity, this.ring.values[TOLD_BITS]);
  }

  private outcomeAt(place: number): number {
    return MODELS + this.capacity + place;
  }

  private ensure(): void {
    for (const array of [this.entities, this.times, this.scores]) array.ensure(this.capacity);
    this.ring.ensure(this.outcomeAt(this.capacity));
  }
}

function endsInZeros(entity: number, bits: number): boolean {
  return (mix32(entity) & (2 ** bits - 1)) === 0;
}
