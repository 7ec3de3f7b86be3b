import type { Dataset } from "../plugin.ts";

const NONE = -1;

/**
 * A uniform sample of at most `rowsMax` of the rows offered (algorithm R; Vitter 1985), whose labels
 * become known later: the rows that wait for the same label hang in one doubly linked list, so that
 * a label reaches exactly those that are still in the sample, and no row is kept outside it.
 */
export class RowReservoir {
  readonly width: number;
  readonly random: () => number;
  rows = 0;
  vectors: Float64Array;
  private readonly rowsMax: number;
  private offered = 0;
  private capacity: number;
  private labels: Float64Array;
  private times: Float64Array;
  private groups: Int32Array;
  /** List that a row waits in, or NONE when its label is settled; its neighbours there. */
  private owner: Int32Array;
  private next: Int32Array;
  private previous: Int32Array;
  private heads = new Int32Array(1024);
  private lists = 0;

  constructor(width: number, rowsMax: number, random: () => number) {
    this.width = width;
    this.rowsMax = rowsMax;
    this.random = random;
    this.capacity = Math.min(rowsMax, 1024);
    this.vectors = new Float64Array(this.capacity * width);
    this.labels = new Float64Array(this.capacity);
    this.times = new Float64Array(this.capacity);
    this.groups = new Int32Array(this.capacity);
    this.owner = new Int32Array(this.capacity);
    this.next = new Int32Array(this.capacity);
    this.previous = new Int32Array(this.capacity);
  }

  /** A new empty list of waiting rows. */
  openList(): number {
    if (this.lists === this.heads.length) {
      this.heads = copied(this.heads, new Int32Array(this.lists * 2));
    }
    this.heads[this.lists] = NONE;
    return this.lists++;
  }

  /** Row to write the vector to, labelled 0 and waiting in `list`; -1 where the draw leaves it out. */
  place(list: number, time: number, group: number): number {
    const row = this.draw();
    if (row < 0) return NONE;
    this.labels[row] = 0;
    this.times[row] = time;
    this.groups[row] = group;
    this.owner[row] = list;
    this.previous[row] = NONE;
    this.next[row] = this.heads[list];
    if (this.heads[list] !== NONE) this.previous[this.heads[list]] = row;
    this.heads[list] = row;
    return row;
  }

  /** Settles the label of all rows that wait in the list, and empties it. */
  label(list: number, value: number): void {
    for (let row = this.heads[list]; row !== NONE; row = this.next[row]) {
      this.labels[row] = value;
      this.owner[row] = NONE;
    }
    this.heads[list] = NONE;
  }

  /** The session is over: what waits keeps label 0. */
  close(list: number): void {
    this.label(list, 0);
  }

  /** The sample without the rows of these groups. */
  dataset(featureNames: readonly string[], without: ReadonlySet<number>): Dataset {
    const kept: number[] = [];
    for (let row = 0; row < this.rows; row++) if (!without.has(this.groups[row])) kept.push(row);
    const all = {
      featureNames,
      vectors: this.vectors,
      labels: this.labels,
      rows: this.rows,
      times: this.times,
      groups: this.groups,
    };
    return selectRows(all, Int32Array.from(kept));
  }

  private draw(): number {
    this.offered++;
    if (this.rows < this.rowsMax) {
      if (this.rows === this.capacity) this.grow();
      return this.rows++;
    }
    const row = Math.floor(this.random() * this.offered);
    if (row >= this.rowsMax) return NONE;
    this.unlink(row);
    return row;
  }

  private unlink(row: number): void {
    const list = this.owner[row];
    if (list === NONE) return;
    const next = this.next[row];
    const previous = this.previous[row];
    if (previous === NONE) this.heads[list] = next;
    else this.next[previous] = next;
    if (next !== NONE) this.previous[next] = previous;
  }

  private grow(): void {
    const capacity = Math.min(this.rowsMax, this.capacity * 2);
    this.capacity = capacity;
    this.vectors = copied(this.vectors, new Float64Array(capacity * this.width));
    this.labels = copied(this.labels, new Float64Array(capacity));
    this.times = copied(this.times, new Float64Array(capacity));
    this.groups = copied(this.groups, new Int32Array(capacity));
    this.owner = copied(this.owner, new Int32Array(capacity));
    this.next = copied(this.next, new Int32Array(capacity));
    this.previous = copied(this.previous, new Int32Array(capacity));
  }
}

/** The rows of a dataset with these numbers, in their order. */
export function selectRows(dataset: Dataset, rows: Int32Array): Dataset {
  const width = dataset.featureNames.length;
  const vectors = new Float64Array(rows.length * width);
  rows.forEach((row, at) => {
    vectors.set(dataset.vectors.subarray(row * width, (row + 1) * width), at * width);
  });
  return {
    featureNames: dataset.featureNames,
    vectors,
    labels: Float64Array.from(rows, (row) => dataset.labels[row]),
    rows: rows.length,
    times: Float64Array.from(rows, (row) => dataset.times[row]),
    groups: Int32Array.from(rows, (row) => dataset.groups[row]),
  };
}

function copied<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
