/** Days that are kept; windows reach back as far. */
const DAYS = 32;

/**
 * Sums by entity and day over the last 32 days. A day's pane is found by its number modulo 32, and
 * the panes between an entity's last day and the present one are cleared when it is next written.
 */
export class DayPanes {
  readonly #fields: number;
  readonly #sums: Float32Array;
  readonly #lastDay: Int32Array;

  constructor(entities: number, fields: number) {
    this.#fields = fields;
    this.#sums = new Float32Array(entities * DAYS * fields);
    this.#lastDay = new Int32Array(entities).fill(-1);
  }

  get bytes(): number {
    return this.#sums.byteLength + this.#lastDay.byteLength;
  }

  /** Adds to a field of a day. A day that has left the panes is too old to matter and is dropped. */
  add(entity: number, day: number, field: number, value: number): void {
    const last = this.#lastDay[entity];
    if (day > last) {
      for (let d = Math.max(last + 1, day - DAYS + 1); d <= day; d++) {
        const base = this.#base(entity, d);
        this.#sums.fill(0, base, base + this.#fields);
      }
      this.#lastDay[entity] = day;
    } else if (day <= last - DAYS) return;
    this.#sums[this.#base(entity, day) + field] += value;
  }

  /** Sum of a field over days [from, to]. */
  sum(entity: number, field: number, from: number, to: number): number {
    const last = this.#lastDay[entity];
    let total = 0;
    for (let d = Math.max(from, last - DAYS + 1); d <= Math.min(to, last); d++) {
      total += this.#sums[this.#base(entity, d) + field];
    }
    return total;
  }

  #base(entity: number, day: number): number {
    return (entity * DAYS + (day & (DAYS - 1))) * this.#fields;
  }
}
