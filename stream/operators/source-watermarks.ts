import { KeyDictionary, type StateSection } from "../../schema/index.ts";

const SEQUENCE = 0;
const WATERMARK = 1;
const IDLE = 2;
/** As far as its task has come by other inputs. */
const TASK_TIME = 3;
const STRIDE = 4;

/** What the second stage knows of each source task: last sequence, watermark, idleness. */
export class SourceWatermarks {
  private readonly names: KeyDictionary;
  private readonly numbers;
  private readonly expected: readonly string[];
  /** By name, the sources of the same task. */
  private readonly siblings: ReadonlyMap<string, readonly string[]>;
  private readonly last;

  /** @param expected the tasks to wait for; one that was never heard of holds the watermark back */
  constructor(section: StateSection, expected: readonly string[]) {
    this.expected = expected;
    const tasks = Map.groupBy(expected, taskOf);
    this.siblings = new Map(expected.map((name) => [name, tasks.get(taskOf(name)) ?? []]));
    this.names = section.dictionary(new KeyDictionary("source", 16));
    this.numbers = section.float64("sources");
    this.last = section.float64("sources-watermark");
    this.last.ensure(1);
    this.last.values[0] = Number.NEGATIVE_INFINITY;
    this.last.mark(0);
  }

  source(bytes: Uint8Array, start: number, end: number): number {
    const source = this.names.intern(bytes, start, end);
    if ((source + 1) * STRIDE > this.numbers.length) {
      this.numbers.ensure((source + 1) * STRIDE);
      this.numbers.values.set([-1, Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY], source * STRIDE);
      this.numbers.mark(source * STRIDE);
    }
    return source;
  }

  /** False for a repeat of the source's sequence. */
  accept(source: number, sequence: number, watermarkMs: number): boolean {
    const at = source * STRIDE;
    const { values } = this.numbers;
    if (sequence <= values[at + SEQUENCE]) return false;
    values[at + SEQUENCE] = sequence;
    values[at + WATERMARK] = watermarkMs;
    this.numbers.mark(at);
    this.wake(source);
    return true;
  }

  setIdle(source: number): void {
    this.numbers.values[source * STRIDE + IDLE] = 1;
    this.numbers.mark(source * STRIDE);
  }

  /** The source has nothing up to there, unless it comes late. */
  setBehind(source: number, taskTimeMs: number): void {
    const at = source * STRIDE;
    const { values } = this.numbers;
    values[at + TASK_TIME] = Math.max(values[at + TASK_TIME], taskTimeMs);
    this.numbers.mark(at);
    this.wake(source);
  }

  /**
   * A task that goes on does so in all its topics: blocks of one stream may come days of event time before
   * those of another that were sent with them, and must not close what these bring.
   */
  private wake(source: number): void {
    this.numbers.values[source * STRIDE + IDLE] = 0;
    for (const name of this.siblings.get(this.names.text(source)) ?? []) {
      const sibling = this.names.find(name);
      if (sibling < 0) continue;
      this.numbers.values[sibling * STRIDE + IDLE] = 0;
      this.numbers.mark(sibling * STRIDE);
    }
  }

  /**
   * Up to here every expected task has come, idle ones too. One that has been idle since before
   * `floorMs`, or was never heard of, counts as that.
   */
  slowestMs(floorMs: number): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const name of this.expected) {
      const source = this.names.find(name);
      const watermarkMs = source < 0 ? floorMs : this.numbers.values[source * STRIDE + WATERMARK];
      slowest = Math.min(slowest, Math.max(watermarkMs, floorMs));
    }
    return slowest;
  }

  /**
   * Whether what a source adds at this watermark may wait for the next boundary of event time: not behind the end of the
   * inputs, and not where no source is active, since the next boundary may then be hours away.
   */
  mayWait(watermarkMs: number): boolean {
    if (watermarkMs === Number.POSITIVE_INFINITY) return false;
    return this.expected.some((name) => {
      const source = this.names.find(name);
      return source < 0 || this.numbers.values[source * STRIDE + IDLE] === 0;
    });
  }

  /** The lowest watermark over the expected tasks that are not idle; the last one where all are. */
  watermarkMs(): number {
    let lowest = Number.POSITIVE_INFINITY;
    let active = false;
    for (const name of this.expected) {
      const source = this.names.find(name);
      if (source < 0) return Number.NEGATIVE_INFINITY;
      const at = source * STRIDE;
      if (this.numbers.values[at + IDLE] === 1) continue;
      active = true;
      lowest = Math.min(
        lowest,
        Math.max(this.numbers.values[at + WATERMARK], this.numbers.values[at + TASK_TIME]),
      );
    }
    if (active) {
      this.last.values[0] = lowest;
      this.last.mark(0);
    }
    return this.last.values[0];
  }
}

/** The task of a source: what stands in front of the topic, where it names one. */
function taskOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name : name.slice(0, slash);
}
