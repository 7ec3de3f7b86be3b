import { existsSync } from "node:fs";
import { join } from "node:path";
import type {
  AppendBatch,
  AppendResult,
  EventLog,
  GroupsOf,
  LogReader,
  ProducerMark,
  TopicSpec,
} from "../ports/event-log.ts";
import { LmdbEventLog, type LmdbEventLogOptions } from "./lmdb-event-log.ts";
import { ALERTS_TOPIC, type AlertLog } from "./log-alert-bus.ts";
import type { UniqueEntry } from "./log-writes.ts";

const EVENTS = "log";
const ALERTS = "alerts";

type Offsets = Parameters<EventLog["commitOffsets"]>[1];

/**
 * The event log of a home folder: alerts in an LMDB environment of their own, all other topics in
 * another. LMDB has one writer at a time, and somebody waits for an alert: its commit must not stand behind
 * those of producers. Otherwise it is one log; an append goes to either environment, never to both.
 */
export class HomeLog implements EventLog, AlertLog {
  /** Whether the folder is a home: its log is the first that it gets. */
  static isIn(home: string): boolean {
    return existsSync(join(home, EVENTS));
  }

  private readonly events: LmdbEventLog;
  private readonly alerts: LmdbEventLog;

  constructor(home: string, options: Omit<LmdbEventLogOptions, "path">) {
    this.events = new LmdbEventLog({ ...options, path: join(home, EVENTS) });
    this.alerts = new LmdbEventLog({ ...options, path: join(home, ALERTS) });
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.events.createTopics(specs.filter(({ name }) => name !== ALERTS_TOPIC));
    await this.alerts.createTopics(specs.filter(({ name }) => name === ALERTS_TOPIC));
  }

  async topics(): Promise<readonly TopicSpec[]> {
    return [...(await this.events.topics()), ...(await this.alerts.topics())];
  }

  append(batches: readonly AppendBatch[], producer?: ProducerMark): Promise<AppendResult> {
    return this.of(batches[0]?.topic).append(batches, producer);
  }

  appendUnique(topic: string, partition: number, entries: readonly UniqueEntry[]): Promise<number> {
    return this.of(topic).appendUnique(topic, partition, entries);
  }

  producerSequence(id: string): Promise<number> {
    return this.events.producerSequence(id);
  }

  offsets(topic: string, partition: number): Promise<{ begin: number; end: number }> {
    return this.of(topic).offsets(topic, partition);
  }

  reader(topic: string, partition: number, offset: number): Promise<LogReader> {
    return this.of(topic).reader(topic, partition, offset);
  }

  async commitOffsets(group: string, offsets: Offsets): Promise<void> {
    for (const log of [this.events, this.alerts]) {
      const own = offsets.filter(({ topic }) => this.of(topic) === log);
      if (own.length > 0) await log.commitOffsets(group, own);
    }
  }

  committedOffset(group: string, topic: string, partition: number): Promise<number | null> {
    return this.of(topic).committedOffset(group, topic, partition);
  }

  async enforceRetention(nowMs: number, groupsOf: GroupsOf): Promise<{ readonly recordsDropped: number }> {
    const events = await this.events.enforceRetention(nowMs, groupsOf);
    const alerts = await this.alerts.enforceRetention(nowMs, groupsOf);
    return { recordsDropped: events.recordsDropped + alerts.recordsDropped };
  }

  /**
   * Copies both logs into another home, beside whoever appends. Alerts go first: every one that is copied then has
   * what caused it in the copy of the other log.
   */
  async copyTo(home: string): Promise<void> {
    await this.alerts.copyTo(join(home, ALERTS));
    await this.events.copyTo(join(home, EVENTS));
  }

  async close(): Promise<void> {
    await Promise.all([this.events.close(), this.alerts.close()]);
  }

  private of(topic: string | undefined): LmdbEventLog {
    return topic === ALERTS_TOPIC ? this.alerts : this.events;
  }
}
