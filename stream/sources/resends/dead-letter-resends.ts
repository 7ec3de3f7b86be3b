import type { QueryEngine } from "../../../lakehouse/index.ts";
import {
  contractByTopic,
  type DeadLetterResend,
  deadLetterResendContract,
  type EventContract,
  MillraceError,
  validateEvent,
} from "../../../schema/index.ts";
import type { AppendBatch, EventLog } from "../../ports/event-log.ts";
import { TopicWriter } from "../batch-writer.ts";
import { partitionsOf } from "../partitions-of.ts";
import { checkEvent, type DecodingRules, isPlatformTopic, type ResendRefusal } from "./check-event.ts";
import {
  type DeadLetter,
  findDeadLetters,
  isCut,
  letterIdOf,
  letterKeyOf,
  letterPlaceOf,
} from "./dead-letter.ts";
import { type LakeResends, type Resend, ResendRecord, type Resends } from "./resend-record.ts";

/** Letters of one call. */
export const RESEND_LETTERS_MAX = 200;
const NOTE_CHARS_MAX = 1_000;
/** Whose sequence says who of several that send at the same time has gone first. */
const PRODUCER = "dead-letter-resends";
const ATTEMPTS_MAX = 10;
/** Wait behind an attempt that another one overtook: as long as it took within these, times the attempts so far, more or less. */
const BACKOFF_MS = { min: 25, max: 2_000 } as const;

/** A letter to send again. */
export interface ResendRequest {
  readonly id: string;
  /** The repaired record, JSON or Avro; null sends what was received. */
  readonly payload: Uint8Array | null;
}

/** What the record says beside the letters. */
export interface ResendAuthorship {
  readonly resentBy: string;
  readonly note: string | null;
}

/** What became of a letter. */
export type ResendOutcome = { readonly id: string } & (
  | { readonly kind: "sent"; readonly resend: Resend }
  | { readonly kind: "already-sent"; readonly resend: Resend }
  | { readonly kind: "refused"; readonly refusal: ResendRefusal }
  | { readonly kind: "not-found" }
);

export interface DeadLetterResendsDeps {
  readonly log: EventLog;
  readonly engine: QueryEngine;
  readonly decoding: DecodingRules;
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** For crash tests. */
  readonly onPoint?: (point: "before-resend" | "after-resend") => void;
}

/** A letter that may be sent, with what of it. */
interface Sendable {
  readonly letter: DeadLetter;
  readonly contract: EventContract;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly resend: Resend;
}

/**
 * Sends dead letters again, each at most once, whoever asks how often. The event and the record that its letter
 * was sent are appended together: a crash leaves both or neither. Who sends looks at the record first, and
 * appends only where nobody else has sent since: the producer's sequence tells, and Kafka shuts out whoever had
 * the producer before.
 */
export class DeadLetterResends {
  private readonly deps: DeadLetterResendsDeps;
  private readonly record: ResendRecord;

  constructor(deps: DeadLetterResendsDeps) {
    this.deps = deps;
    this.record = new ResendRecord(deps.log, deps.engine);
  }

  /** Which of the letters were sent again, by their keys: from a moment ago, too. */
  async find(keys: readonly string[]): Promise<Resends> {
    const lake = await this.record.inLake(keys);
    return merged(lake, await this.record.inLog(keys, lake.ends));
  }

  /**
   * Sends those of the letters that are not sent yet and that their contract takes; an outcome for each, in
   * their order. Those that are sent are durable then, all or none of them. Rejects with `invalid-argument` for
   * more than {@link RESEND_LETTERS_MAX} letters, with `resend-contended` (retry) where others keep sending.
   */
  async send(
    requests: readonly ResendRequest[],
    { resentBy, note }: ResendAuthorship,
  ): Promise<ResendOutcome[]> {
    if (requests.length > RESEND_LETTERS_MAX)
      throw invalid(`At most ${RESEND_LETTERS_MAX} letters are sent at once, not ${requests.length}.`);
    if (note !== null && note.length > NOTE_CHARS_MAX)
      throw invalid(`A note is of at most ${NOTE_CHARS_MAX} characters.`);
    const places = [...new Set(requests.map(({ id }) => id))].map(letterPlaceOf);
    const letters = await findDeadLetters(
      this.deps.engine,
      places.filter((place) => place !== null),
    );
    const keys = [...letters.values()].map(letterKeyOf);
    const lake = await this.record.inLake(keys);
    const known = merged(lake, await this.record.inLog(keys, lake.ends));
    const outcomes = new Map<string, ResendOutcome>();
    const sendable: Sendable[] = [];
    for (const { id, payload } of requests) {
      if (outcomes.has(id) || sendable.some(({ letter }) => letterIdOf(letter) === id)) continue;
      const letter = letters.get(id);
      const resend = letter && known.get(letterKeyOf(letter));
      if (letter === undefined) outcomes.set(id, { id, kind: "not-found" });
      else if (resend !== undefined) outcomes.set(id, { id, kind: "already-sent", resend });
      else {
        const checked = await this.check(letter, payload, { resentBy, note });
        if ("reason" in checked) outcomes.set(id, { id, kind: "refused", refusal: checked });
        else sendable.push(checked);
      }
    }
    for (const outcome of await this.sendOnce(sendable, lake.ends)) outcomes.set(outcome.id, outcome);
    return inOrder(requests, outcomes);
  }

  /** What of the letter would be sent, or why nothing. */
  private async check(
    letter: DeadLetter,
    payload: Uint8Array | null,
    authorship: ResendAuthorship,
  ): Promise<Sendable | ResendRefusal> {
    const { topic } = letter;
    const contract = contractByTopic(topic);
    if (contract === null || isPlatformTopic(topic)) {
      const detail = `records of ${topic} are written by the platform alone`;
      return { reason: "platform-record", field: null, detail };
    }
    if (payload === null && isCut(letter)) {
      const detail = `of ${letter.recordBytes} bytes the first ${letter.bytes.length} were kept: send the whole record`;
      return { reason: "incomplete-record", field: null, detail };
    }
    const bytes = payload ?? letter.bytes;
    const now = this.deps.clock();
    const event = await checkEvent(contract, bytes, this.deps.decoding, now);
    if ("reason" in event) return event;
    const isRepaired = isCut(letter) || !letter.bytes.equals(bytes);
    const resend = { ...authorship, resentTime: now, resentEventId: event.eventId, isRepaired };
    return { letter, contract, key: event.key, bytes, resend };
  }

  /** Appends those of the letters that the log's record lacks. @param ends of the lake's record, in which they are not */
  private async sendOnce(
    sendable: readonly Sendable[],
    ends: LakeResends["ends"],
  ): Promise<readonly ResendOutcome[]> {
    if (sendable.length === 0) return [];
    const { log, clock, sleep, random } = this.deps;
    const keys = sendable.map(({ letter }) => letterKeyOf(letter));
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const began = clock();
      const sequence = await log.producerSequence(PRODUCER);
      // What is appended behind this look makes the sequence a repeat.
      const before = await this.record.inLog(keys, ends);
      const left = sendable.filter(({ letter }) => !before.has(letterKeyOf(letter)));
      if (left.length === 0 || (await this.append(left, sequence + 1)))
        return sendable.map(({ letter, resend }) => {
          const first = before.get(letterKeyOf(letter));
          const kind = first === undefined ? "sent" : "already-sent";
          return { id: letterIdOf(letter), kind, resend: first ?? resend };
        });
      // As long as attempts take: whoever begins one shuts those out that are under way.
      const took = Math.min(BACKOFF_MS.max, Math.max(BACKOFF_MS.min, clock() - began));
      await sleep(took * attempt * (0.5 + random()));
    }
    throw new MillraceError("Others send dead letters again all the time. Nothing was sent: try again.", {
      code: "resend-contended",
      origin: "external",
      retry: true,
    });
  }

  /** Whether it was appended; false where somebody else has sent letters since the sequence was asked for. */
  private async append(sendable: readonly Sendable[], sequence: number): Promise<boolean> {
    const { log, onPoint } = this.deps;
    const batches = await this.batchesOf(sendable);
    onPoint?.("before-resend");
    try {
      // The commit point: events, their record and the sequence, all of them or none.
      const { appended } = await log.append(batches, { id: PRODUCER, sequence });
      if (appended) onPoint?.("after-resend");
      return appended;
    } catch (error) {
      if (error instanceof MillraceError && error.code === "producer-fenced") return false;
      throw error;
    }
  }

  private async batchesOf(sendable: readonly Sendable[]): Promise<AppendBatch[]> {
    const { log } = this.deps;
    const writers = new Map<string, TopicWriter>();
    const writerOf = async (topic: string): Promise<TopicWriter> => {
      const writer = writers.get(topic) ?? new TopicWriter(topic, await partitionsOf(log, topic));
      writers.set(topic, writer);
      return writer;
    };
    for (const { letter, contract, key, bytes, resend } of sendable) {
      (await writerOf(contract.topic)).putRecord(key, bytes);
      const { topic, partition, offset, receivedTime, reason } = letter;
      const record: DeadLetterResend = {
        eventId: letterKeyOf(letter),
        letterTopic: topic,
        letterPartition: partition,
        letterOffset: offset,
        letterTime: receivedTime,
        letterReason: reason,
        ...resend,
      };
      const validation = validateEvent(deadLetterResendContract, record);
      if (!validation.ok) throw invalid(`${validation.field}: ${validation.detail}`);
      (await writerOf(deadLetterResendContract.topic)).put(record.eventId, JSON.stringify(record));
    }
    const batches: AppendBatch[] = [];
    for (const writer of writers.values()) writer.drain(batches);
    return batches;
  }
}

/** A letter that is named twice was sent by the first. */
function inOrder(
  requests: readonly ResendRequest[],
  outcomes: ReadonlyMap<string, ResendOutcome>,
): ResendOutcome[] {
  const seen = new Set<string>();
  return requests.map(({ id }) => {
    const outcome = outcomes.get(id) ?? { id, kind: "not-found" };
    const isFirst = !seen.has(id);
    seen.add(id);
    return isFirst || outcome.kind !== "sent" ? outcome : { ...outcome, kind: "already-sent" };
  });
}

function merged({ resends }: LakeResends, inLog: Resends): Resends {
  return new Map([...resends, ...inLog]);
}

function invalid(message: string): MillraceError {
  return new MillraceError(message, { code: "invalid-argument", origin: "user" });
}
