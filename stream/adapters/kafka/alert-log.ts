import { MillraceError } from "../../../schema/index.ts";
import { alertRecordId } from "../../ports/alert-bus.ts";
import type { EventLog, LogReader } from "../../ports/event-log.ts";
import { type AlertLog, parseAlert } from "../log-alert-bus.ts";
import type { UniqueEntry } from "../log-writes.ts";
import { IdIndex } from "./id-index.ts";

const READ_LIMITS = { recordsMax: 4096, bytesMax: 1 << 20 };
/** A wait only has to end for a look at whether the log was closed. */
const WAIT_MS = 60_000;

/**
 * A topic of alerts in which each one counts once, on a log whose processes share no index.
 *
 * Every process follows the topic and keeps the first offset of its newest `idsMax` ids; it starts
 * that far before the end. What is known is not appended again. Two processes that do not see each
 * other's record yet may still both append an alert: then the one at the lower offset counts, and
 * every reader drops the other. That depends on the topic's content alone, so a reader that resumes
 * from a cursor drops the same records, also where the first one lies before its cursor. An alert
 * that comes back after more than `idsMax` others is taken as new.
 */
export class KafkaAlertLog implements AlertLog {
  private readonly log: EventLog;
  private readonly topic: string;
  private readonly partition: number;
  private readonly idsMax: number;
  private readonly index: IdIndex;
  /** Appends under way, by id. */
  private readonly appending = new Map<string, Promise<unknown>>();
  private following: Promise<LogReader> | null = null;
  /** Which topic the index is of. */
  private topicId: string | undefined;
  /** Records below this offset are in the index. */
  private followed = 0;
  private waiting: { readonly offset: number; readonly done: (error?: unknown) => void }[] = [];
  private closed = false;

  constructor(
    log: EventLog,
    at: { readonly topic: string; readonly partition: number; readonly idsMax: number },
  ) {
    this.log = log;
    this.topic = at.topic;
    this.partition = at.partition;
    this.idsMax = at.idsMax;
    this.index = new IdIndex(at.idsMax);
  }

  /** Resolves when everything is in the index that was there when following began; begins it, or begins it again. */
  async follow(): Promise<void> {
    if (this.closed) throw new MillraceError("the alert log is closed", CLOSED);
    this.following ??= this.open();
    await this.following;
  }

  offsets(topic: string, partition: number): Promise<{ readonly begin: number; readonly end: number }> {
    return this.log.offsets(topic, partition);
  }

  reader(topic: string, partition: number, offset: number): Promise<LogReader> {
    return this.log.reader(topic, partition, offset);
  }

  /** Appends the entries that are new, in one append; resolves when these and their repeats are durable. */
  async appendUnique(topic: string, partition: number, entries: readonly UniqueEntry[]): Promise<number> {
    await this.follow();
    const fresh = new Map<string, Uint8Array>();
    const others: Promise<unknown>[] = [];
    for (const { id, value } of entries) {
      const underWay = this.appending.get(id);
      if (underWay !== undefined) others.push(underWay);
      else if (!fresh.has(id) && this.index.first(id) === undefined) fresh.set(id, value);
    }
    if (fresh.size > 0) {
      const append = this.append(topic, partition, fresh);
      for (const id of fresh.keys()) this.appending.set(id, append);
      others.push(append);
      const done = (): void => {
        for (const id of fresh.keys()) this.appending.delete(id);
      };
      append.then(done, done);
    }
    await Promise.all(others);
    return fresh.size;
  }

  async isRepeat(id: string, offset: number): Promise<boolean> {
    await this.follow();
    if (offset >= this.followed) await this.untilFollowed(offset + 1);
    const first = this.index.first(id);
    return first !== undefined && first < offset;
  }

  close(): void {
    this.closed = true;
    this.following?.then((reader) => reader.close()).catch(() => undefined);
    this.endWaits(Number.POSITIVE_INFINITY);
  }

  private async append(
    topic: string,
    partition: number,
    fresh: ReadonlyMap<string, Uint8Array>,
  ): Promise<void> {
    const values = [...fresh.values()];
    const ends = new Int32Array(values.length);
    const starts = new Int32Array(values.length);
    let at = 0;
    values.forEach((value, i) => {
      starts[i] = at;
      at += value.length;
      ends[i] = at;
    });
    const bytes = Buffer.concat(values);
    const batch = { topic, partition, count: values.length, bytes, starts, ends };
    const { baseOffsets } = await this.log.append([batch]);
    [...fresh.keys()].forEach((id, i) => {
      this.index.note(id, baseOffsets[0] + i);
    });
  }

  private async open(): Promise<LogReader> {
    try {
      const topicId = await this.log.topicId?.(this.topic);
      // Where the topic was made again, what the index holds is of the old one.
      if (this.topicId !== undefined && topicId !== this.topicId) {
        this.followed = 0;
        this.index.clear();
      }
      this.topicId = topicId;
      const { begin, end } = await this.log.offsets(this.topic, this.partition);
      const reader = await this.log.reader(
        this.topic,
        this.partition,
        Math.max(begin, this.followed, end - this.idsMax),
      );
      void this.run(reader);
      await this.untilFollowed(end);
      return reader;
    } catch (error) {
      this.following = null;
      throw error;
    }
  }

  private async run(reader: LogReader): Promise<void> {
    try {
      while (!this.closed) {
        const batch = reader.read(READ_LIMITS);
        this.followed = Math.max(this.followed, batch === null ? reader.position : batch.baseOffset);
        if (batch === null) {
          this.endWaits(this.followed);
          await reader.wait(WAIT_MS);
          continue;
        }
        for (let i = 0; i < batch.count; i++) {
          const alert = parseAlert(batch.bytes.subarray(batch.starts[i], batch.ends[i]));
          if (alert !== null) this.index.note(alertRecordId(alert), batch.baseOffset + i);
        }
        this.followed = reader.position;
        this.endWaits(this.followed);
      }
    } catch (error) {
      // Who needs the index next begins anew, behind what retention has dropped.
      this.following = null;
      this.endWaits(Number.POSITIVE_INFINITY, error);
    } finally {
      reader.close();
    }
  }

  private untilFollowed(offset: number): Promise<void> {
    if (this.followed >= offset || this.closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      this.waiting.push({ offset, done });
    });
  }

  private endWaits(followed: number, error?: unknown): void {
    const ended = this.waiting.filter(({ offset }) => offset <= followed);
    if (ended.length === 0) return;
    this.waiting = this.waiting.filter(({ offset }) => offset > followed);
    for (const { done } of ended) done(error);
  }
}

const CLOSED = { code: "alert-bus-closed", origin: "internal" } as const;
