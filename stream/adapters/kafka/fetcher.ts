import { MillraceError } from "../../../schema/index.ts";
import {
  type FetchAnswer,
  type FetchedPartition,
  type FetchPosition,
  fetchRequest,
} from "./fetch-request.ts";
import { backoffMs, type KafkaClient } from "./kafka-client.ts";
import { asKafkaError, isConnectionLost } from "./kafka-errors.ts";
import { protocolError } from "./kafkajs-internals.ts";
import type { OutageWarnings } from "./outage-warnings.ts";

/** A partition that is read. */
export interface FetchTarget {
  readonly topic: string;
  readonly partition: number;
  /** Which topic it began with: the offset is one of that topic. Null where that does not matter. */
  readonly topicId: string | null;
  readonly fetchOffset: number;
  /** False while enough waits to be read: that is the back-pressure. */
  readonly wantsRecords: boolean;
  /** Whether the log is known to hold more than was fetched. */
  readonly isBehind: boolean;
  accept(bytes: Buffer, fetched: FetchedPartition): void;
  /** Nothing more will come. */
  fail(error: unknown): void;
}

interface Place {
  /** Leader of the partition; null while it is being looked up. */
  nodeId: number | null;
  fetching: boolean;
  /** Tries in a row without records, whyever: the wait before the next look-up grows with them. */
  failures: number;
  /** Answers in a row that refused it, with no outage between, and when the first one came. */
  refusals: { readonly count: number; readonly since: number } | null;
  /** Grows each time it is asked for: who waits for longest comes first. */
  turn: number;
  /** Whether a fetch failed since the topic was known to be the same: it may have been made again meanwhile. */
  isDoubtful: boolean;
}

/** Bytes of one answer; 256 kB are clearly slower, more only takes memory (infra/decisions/0003). */
const FETCH_BYTES_MAX = 4 << 20;
const PARTITION_BYTES_MIN = 1 << 20;
/** Longest poll at the log's end. */
const POLL_MS = 500;
/** Poll at the end for partitions that a long poll under way does not cover yet. */
const JOIN_POLL_MS = 10;
/** Answers in a row that refuse a partition before its reader is told. */
const REFUSALS_MAX = 10;
/** And for how long at least, where the refusal is one that passes: a killed broker took 18 s to lead its partitions again. */
const REFUSED_MS_MIN = 45_000;
const OFFSET_OUT_OF_RANGE = 1;

/**
 * Fetches for all readers of a log. Requests of one connection are answered in turn, so each node has
 * two: one polls, for long, the partitions whose end was reached, the other fetches from partitions
 * that are behind and never waits. A partition that reaches its end while the long poll is under way
 * is polled shortly by the other, until both can be had in one request.
 *
 * A node that cannot be reached is tried for ever, with back-off: the outage is told of.
 */
export class Fetcher {
  private readonly places = new Map<FetchTarget, Place>();
  private readonly lanes = new Map<number, { readonly tail: Lane; readonly behind: Lane }>();
  private readonly clients: { readonly tail: KafkaClient; readonly behind: KafkaClient };
  private readonly warnings: OutageWarnings;
  private readonly clock: () => number;
  private turn = 0;

  /** @param clock in ms, never set back */
  constructor(
    clients: { readonly tail: KafkaClient; readonly behind: KafkaClient },
    warnings: OutageWarnings,
    clock: () => number = () => performance.now(),
  ) {
    this.clients = clients;
    this.warnings = warnings;
    this.clock = clock;
  }

  add(target: FetchTarget): void {
    const place: Place = {
      nodeId: null,
      fetching: false,
      failures: 0,
      refusals: null,
      turn: 0,
      isDoubtful: false,
    };
    this.places.set(target, place);
    void this.locate(target, place);
  }

  remove(target: FetchTarget): void {
    this.places.delete(target);
  }

  /** To be called when a target wants records again. */
  wake(): void {
    for (const { tail, behind } of this.lanes.values()) {
      tail.wake();
      behind.wake();
    }
  }

  /** Looks the leader up, until it is found or the target is removed. */
  private async locate(target: FetchTarget, place: Place): Promise<void> {
    const client = this.clients.behind;
    const what = `reading ${target.topic}[${target.partition}]`;
    while (this.places.get(target) === place && !client.closed) {
      if (place.failures > 0) await client.sleep(backoffMs(place.failures));
      try {
        if (place.isDoubtful && !(await this.isSameTopic(target))) return target.fail(replacedError(target));
        place.isDoubtful = false;
        place.nodeId = await client.leaderOf(target.topic, target.partition);
        this.startLanes(place.nodeId);
        return this.wake();
      } catch (cause) {
        const error = asKafkaError(cause, what, client.options.brokers);
        client.noteFailure(error);
        place.failures++;
        if (isConnectionLost(error)) place.refusals = null;
        else if (!error.retry && this.isRefusedForGood(place, error)) return target.fail(error);
        if (!client.closed) this.warnings.failed(error);
      }
    }
  }

  private async isSameTopic({ topic, topicId }: FetchTarget): Promise<boolean> {
    return topicId === null || (await this.clients.behind.topicId(topic)) === topicId;
  }

  private startLanes(nodeId: number): void {
    if (this.lanes.has(nodeId)) return;
    const context = {
      nodeId,
      deliver: (answer: FetchAnswer, asked: readonly FetchTarget[]) => this.deliver(answer, asked),
      failed: (error: MillraceError, asked: readonly FetchTarget[]) => this.failed(error, asked),
      settled: () => this.wake(),
      places: this.places,
      warnings: this.warnings,
    };
    const tail = new Lane({ ...context, client: this.clients.tail, pick: () => this.atEnd(nodeId) });
    const behind = new Lane({
      ...context,
      client: this.clients.behind,
      pick: () => this.notPolled(nodeId, tail),
    });
    this.lanes.set(nodeId, { tail, behind });
    void tail.run(() => (behind.polls ? JOIN_POLL_MS : POLL_MS));
    void behind.run((targets) => (targets.some((target) => target.isBehind) ? 0 : JOIN_POLL_MS));
  }

  private atEnd(nodeId: number): FetchTarget[] {
    return this.due(nodeId, (target) => !target.isBehind);
  }

  /** Also partitions at their end, where the poll under way is a long one that began without them. */
  private notPolled(nodeId: number, tail: Lane): FetchTarget[] {
    return this.due(nodeId, (target) => target.isBehind || tail.waitMs > JOIN_POLL_MS);
  }

  private due(nodeId: number, wanted: (target: FetchTarget) => boolean): FetchTarget[] {
    const due: [FetchTarget, Place][] = [];
    for (const [target, place] of this.places) {
      if (place.nodeId === nodeId && !place.fetching && target.wantsRecords && wanted(target))
        due.push([target, place]);
    }
    const asked = oneOffsetEach(due.sort(([, a], [, b]) => a.turn - b.turn));
    // A broker fills its answer in the order of the request: the first one is the last of them next time.
    for (const [, place] of [...asked.slice(1), ...asked.slice(0, 1)]) place.turn = ++this.turn;
    return asked.map(([target]) => target);
  }

  private deliver({ bytes, partitions }: FetchAnswer, asked: readonly FetchTarget[]): void {
    for (const fetched of partitions) {
      for (const target of asked) {
        if (target.topic !== fetched.topic || target.partition !== fetched.partition) continue;
        const place = this.places.get(target);
        if (place === undefined) continue;
        if (fetched.errorCode !== 0) this.refused(target, place, fetched.errorCode);
        else {
          place.failures = 0;
          place.refusals = null;
          target.accept(bytes, fetched);
        }
      }
    }
  }

  private refused(target: FetchTarget, place: Place, code: number): void {
    const what = `reading ${target.topic}[${target.partition}] at offset ${target.fetchOffset}`;
    const error = asKafkaError(protocolError(code), what, this.clients.behind.options.brokers);
    place.failures++;
    // A topic that was just made, or a partition that moves, may be unknown for a moment.
    const passes = error.retry || error.code === "unknown-topic";
    if (code === OFFSET_OUT_OF_RANGE || !passes || this.isRefusedForGood(place, error)) {
      target.fail(error);
      return;
    }
    this.clients.behind.noteFailure(error);
    this.warnings.failed(error);
    this.relocate(target, place);
  }

  /** Counts the refusal; what nodes that cannot be reached would have said is not known, and not counted. */
  private isRefusedForGood(place: Place, { retry }: MillraceError): boolean {
    const { count, since } = place.refusals ?? { count: 0, since: this.clock() };
    place.refusals = { count: count + 1, since };
    return count >= REFUSALS_MAX && (!retry || this.clock() - since >= REFUSED_MS_MIN);
  }

  private relocate(target: FetchTarget, place: Place): void {
    place.nodeId = null;
    place.isDoubtful = true;
    void this.locate(target, place);
  }

  /** After a request without an answer it is asked anew who leads. */
  private failed(error: MillraceError, asked: readonly FetchTarget[]): void {
    for (const target of asked) {
      const place = this.places.get(target);
      if (place === undefined) continue;
      if (isConnectionLost(error)) place.refusals = null;
      if (error.retry) this.relocate(target, place);
      else target.fail(error);
    }
  }
}

/**
 * A request names a partition once: of several places the broker would answer one, and readers at the
 * others would take that for their records. Who is left out keeps its turn, and so comes before all
 * that were asked for meanwhile.
 */
function oneOffsetEach(due: readonly [FetchTarget, Place][]): [FetchTarget, Place][] {
  const offsets = new Map<string, number>();
  return due.filter(([{ topic, partition, fetchOffset }]) => {
    const key = `${topic}/${partition}`;
    const offset = offsets.get(key) ?? fetchOffset;
    offsets.set(key, offset);
    return fetchOffset === offset;
  });
}

/** Records of the new topic must not be taken for those behind the old one's offset. */
function replacedError({ topic, partition, fetchOffset }: FetchTarget): MillraceError {
  return new MillraceError(
    `offset ${fetchOffset} of ${topic}[${partition}] is not in the log: the topic was deleted and made again, ` +
      "so that its offsets begin anew",
    { code: "offset-out-of-range", origin: "user" },
  );
}

interface LaneContext {
  readonly client: KafkaClient;
  readonly nodeId: number;
  readonly places: ReadonlyMap<FetchTarget, Place>;
  readonly pick: () => FetchTarget[];
  readonly deliver: (answer: FetchAnswer, asked: readonly FetchTarget[]) => void;
  readonly failed: (error: MillraceError, asked: readonly FetchTarget[]) => void;
  /** Called after each request: what the one lane has done with is the other's to take. */
  readonly settled: () => void;
  readonly warnings: OutageWarnings;
}

/** Requests to one node over one connection, one at a time. */
class Lane {
  /** How long the request under way waits for records; 0 where none is. */
  waitMs = 0;
  private readonly context: LaneContext;
  private resume: (() => void) | null = null;

  constructor(context: LaneContext) {
    this.context = context;
    context.client.onClose(() => this.wake());
  }

  /** Whether a poll at the end is under way. */
  get polls(): boolean {
    return this.waitMs > 0;
  }

  wake(): void {
    this.resume?.();
    this.resume = null;
  }

  async run(waitMsFor: (targets: readonly FetchTarget[]) => number): Promise<void> {
    const { client, places } = this.context;
    let failures = 0;
    while (!client.closed) {
      const asked = this.context.pick();
      if (asked.length === 0) {
        await new Promise<void>((resolve) => {
          this.resume = resolve;
        });
        continue;
      }
      const held = asked.map((target) => places.get(target) as Place);
      for (const place of held) place.fetching = true;
      this.waitMs = waitMsFor(asked);
      const failed = await this.fetch(asked);
      this.waitMs = 0;
      for (const place of held) place.fetching = false;
      this.context.settled();
      failures = failed ? failures + 1 : 0;
      if (failed) await client.sleep(backoffMs(failures));
    }
  }

  /** One request; returns whether it failed. */
  private async fetch(asked: readonly FetchTarget[]): Promise<boolean> {
    const { client, nodeId, deliver, failed, warnings } = this.context;
    try {
      const positions = this.positions(asked);
      const broker = await client.broker(nodeId);
      const answer = await client.send(broker, fetchRequest(positions, this.limits(positions.length)));
      warnings.reached();
      deliver(answer, asked);
      return false;
    } catch (cause) {
      if (client.closed) return false;
      const { topic, partition } = asked[0];
      const others = asked.length > 1 ? ` and ${asked.length - 1} more` : "";
      const error = asKafkaError(cause, `reading ${topic}[${partition}]${others}`, client.options.brokers);
      client.noteFailure(error);
      warnings.failed(error);
      failed(error, asked);
      return true;
    }
  }

  /** In the order of what is asked. */
  private positions(asked: readonly FetchTarget[]): FetchPosition[] {
    const positions = new Map<string, FetchPosition>();
    for (const { topic, partition, fetchOffset } of asked)
      positions.set(`${topic}/${partition}`, { topic, partition, offset: fetchOffset });
    return [...positions.values()];
  }

  private limits(partitions: number) {
    const partitionBytesMax = Math.max(PARTITION_BYTES_MIN, Math.floor(FETCH_BYTES_MAX / partitions));
    return { waitMs: this.waitMs, bytesMax: FETCH_BYTES_MAX, partitionBytesMax };
  }
}
