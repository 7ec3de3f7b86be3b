import { MillraceError, type RecordBatch } from "../../schema/index.ts";
import { joinFollowing, type NextBatch } from "../../stream/adapters/index.ts";
import type {
  AppendBatch,
  AppendResult,
  EventLog,
  GroupsOf,
  LogReader,
  ProducerMark,
  ReadOnLimits,
  TopicSpec,
} from "../../stream/index.ts";
import { Link, type Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";
import type { StoredBatch, StoredLog, StoredPartition } from "./stored-log.ts";
import { unavailable } from "./unavailable.ts";

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/**
 * One process's connection to the log. Appends arrive in their order. What it can read lags behind:
 * it learns of appends after a while, of all topics in the one order in which the log took them.
 */
export class SimEventLog implements EventLog {
  readonly network: Network;
  readonly process: SimulatedProcess;
  /** Appends up to this one can be read here. */
  seen: number;
  private readonly stored: StoredLog;
  private readonly link: Link;
  private readonly waiting = new Set<() => void>();
  private readonly listener: () => void;

  constructor(stored: StoredLog, network: Network, process: SimulatedProcess) {
    this.stored = stored;
    this.network = network;
    this.process = process;
    this.link = new Link(network, process, "log", "ordered");
    this.seen = stored.sequence;
    this.listener = () => this.learn(stored.sequence);
    stored.listeners.add(this.listener);
  }

  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.request("create topics", () => this.stored.createTopics(specs));
  }

  topics(): Promise<readonly TopicSpec[]> {
    return this.request("topics", () => [...this.stored.topics.values()].map(({ spec }) => spec));
  }

  append(batches: readonly AppendBatch[], producer?: ProducerMark): Promise<AppendResult> {
    const sent = batches.map((batch) => ({
      ...batch,
      bytes: batch.bytes.slice(),
      starts: batch.starts.slice(),
      ends: batch.ends.slice(),
    }));
    const what = sent.map(({ topic, partition, count }) => `${topic}/${partition}+${count}`).join(" ");
    return this.request(`append ${producer?.id ?? ""}@${producer?.sequence ?? ""} ${what}`, () =>
      this.stored.append(sent, producer, Math.floor(this.network.scheduler.nowMs)),
    );
  }

  producerSequence(id: string): Promise<number> {
    return this.request(`producer ${id}`, () => this.stored.producerSequence(id));
  }

  offsets(topic: string, partition: number): Promise<{ begin: number; end: number }> {
    return this.request(`offsets ${topic}/${partition}`, () => {
      const { begin, end } = this.stored.partition(topic, partition);
      return { begin, end };
    });
  }

  reader(topic: string, partition: number, offset: number): Promise<LogReader> {
    return this.request(`read ${topic}/${partition}@${offset}`, () => {
      const stored = this.stored.partition(topic, partition);
      if (offset < stored.begin || offset > stored.end) throw outOfRange({ topic, partition }, offset);
      return new SimLogReader(this, stored, { topic, partition }, offset);
    });
  }

  commitOffsets(
    group: string,
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const sent = [...offsets];
    return this.request(`commit offsets of ${group}`, () => {
      for (const { topic, partition, offset } of sent)
        this.stored.committed.set(`${group}|${topic}|${partition}`, offset);
    });
  }

  committedOffset(group: string, topic: string, partition: number): Promise<number | null> {
    return this.request(
      `committed ${group} ${topic}/${partition}`,
      () => this.stored.committed.get(`${group}|${topic}|${partition}`) ?? null,
    );
  }

  enforceRetention(nowMs: number, groupsOf: GroupsOf): Promise<{ readonly recordsDropped: number }> {
    return this.request("enforce retention", () => ({
      recordsDropped: this.stored.enforceRetention(nowMs, groupsOf),
    }));
  }

  async close(): Promise<void> {
    this.stored.listeners.delete(this.listener);
  }

  /** Calls back once, when something new can be read, or after the time-out. */
  onNews(timeoutMs: number, callback: () => void): void {
    const done = (): void => {
      if (!this.waiting.delete(done)) return;
      callOff();
      callback();
    };
    this.waiting.add(done);
    const callOff = this.process.deliverAfter(timeoutMs, done);
  }

  /** Learns at once of everything that was appended. */
  catchUp(): void {
    this.seen = this.stored.sequence;
  }

  wake(): void {
    for (const done of [...this.waiting]) done();
  }

  private learn(sequence: number): void {
    if (this.process.isDead) {
      this.stored.listeners.delete(this.listener);
      return;
    }
    const { scheduler, faults } = this.network;
    const delay = faults.delayMsMean === 0 ? 0 : scheduler.random.exponential(faults.delayMsMean);
    this.process.deliverAfter(delay, () => {
      if (sequence <= this.seen) return;
      this.seen = sequence;
      this.wake();
    });
  }

  private request<T>(name: string, apply: () => T): Promise<T> {
    return this.link.request({ name, apply, lost: () => unavailable("event log", name) });
  }
}

class SimLogReader implements LogReader {
  position: number;
  private readonly log: SimEventLog;
  private readonly stored: StoredPartition;
  private readonly place: Place;
  private closed = false;

  constructor(log: SimEventLog, stored: StoredPartition, place: Place, position: number) {
    this.log = log;
    this.stored = stored;
    this.place = place;
    this.position = position;
  }

  read(limits: { readonly recordsMax: number; readonly bytesMax: number }): RecordBatch | null {
    if (this.position < this.stored.begin) throw outOfRange(this.place, this.position);
    const { network } = this.log;
    const { random } = network.scheduler;
    const batch = this.nextBatch();
    if (batch === null) return null;
    const from = this.position - batch.base;
    let to = Math.min(batch.count, from + Math.max(1, limits.recordsMax));
    while (to > from + 1 && batch.ends[to - 1] > batch.starts[from] + limits.bytesMax) to--;
    if (random.chance(network.faults.partShare)) to = random.between(from + 1, to);
    return this.take(batch, from, to);
  }

  /** Not always, where reads give only a part at times. */
  readOn(last: RecordBatch, limits: ReadOnLimits): RecordBatch {
    const { random } = this.log.network.scheduler;
    if (random.chance(this.log.network.faults.partShare)) return last;
    const following = (): NextBatch | null => {
      const batch = this.nextBatch();
      if (batch === null || batch.base !== this.position) return null;
      const { base: baseOffset, count, starts, ends, sequence, control } = batch;
      return { baseOffset, count, bytes: ends[count - 1] - starts[0], sequence, control };
    };
    const read = (): RecordBatch => {
      const batch = this.nextBatch() as StoredBatch;
      return this.take(batch, 0, batch.count);
    };
    return joinFollowing(last, limits, following, read);
  }

  look(): void {
    const { network } = this.log;
    if (network.scheduler.random.chance(network.faults.newsShare)) this.log.catchUp();
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.closed || this.nextBatch() !== null) {
      return new Promise((resolve) => this.log.process.deliverAfter(0, resolve));
    }
    return new Promise((resolve) => this.awaitBatch(timeoutMs, resolve));
  }

  close(): void {
    this.closed = true;
    this.log.wake();
  }

  private awaitBatch(timeoutMs: number, resolve: () => void): void {
    const endMs = this.log.network.scheduler.nowMs + timeoutMs;
    this.log.onNews(timeoutMs, () => {
      const leftMs = endMs - this.log.network.scheduler.nowMs;
      if (this.closed || leftMs <= 0 || this.nextBatch() !== null) resolve();
      else this.awaitBatch(leftMs, resolve);
    });
  }

  private take(batch: StoredBatch, from: number, to: number): RecordBatch {
    const { network, process } = this.log;
    const { topic, partition } = this.place;
    this.position = batch.base + to;
    network.scheduler.spend(network.scheduler.random.unit() * network.faults.computeMsMax);
    network.trace.note(
      network.scheduler.nowMs,
      `${process.name} reads ${topic}/${partition} to ${this.position}`,
    );
    return {
      topic,
      partition,
      baseOffset: batch.base + from,
      count: to - from,
      bytes: batch.bytes,
      starts: batch.starts.subarray(from, to),
      ends: batch.ends.subarray(from, to),
      ingestedAt: batch.ingestedAt,
      sequence: batch.sequence,
      control: batch.control,
    };
  }

  private nextBatch(): StoredBatch | null {
    const { batches } = this.stored;
    let low = 0;
    for (let high = batches.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (batches[middle].base + batches[middle].count <= this.position) low = middle + 1;
      else high = middle;
    }
    const batch = batches[low];
    return batch === undefined || batch.sequence > this.log.seen ? null : batch;
  }
}

function outOfRange({ topic, partition }: Place, offset: number): MillraceError {
  return new MillraceError(`offset ${offset} of ${topic}[${partition}] is not in the log`, {
    code: "offset-out-of-range",
    origin: "user",
  });
}
