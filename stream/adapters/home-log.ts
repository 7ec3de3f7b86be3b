import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
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
import { machineBootId } from "./boot-folder.ts";
import { LmdbEventLog, type LmdbEventLogOptions } from "./lmdb-event-log.ts";
import { ALERTS_TOPIC, type AlertLog } from "./log-alert-bus.ts";
import type { UniqueEntry } from "./log-writes.ts";
import { UnsyncedMarks } from "./unsynced-marks.ts";

const EVENTS = "log";
const ALERTS = "alerts";
/** What the machine left of the alerts when it went down lies there until it is removed. */
const ALERTS_LOST = "alerts.lost";
/**
 * Where a home that was used before has no alerts, offsets of new ones begin with the microsecond: behind all that were
 * ever given, at fewer than a million a second.
 */
const OFFSETS_PER_MS = 1_000;

export interface HomeLogOptions extends Omit<LmdbEventLogOptions, "path" | "unsyncedInBoot"> {
  /** What tells this boot of the machine from others; by default the system's, null where it has none. */
  readonly bootId?: string | null;
}

type Offsets = Parameters<EventLog["commitOffsets"]>[1];

/**
 * The event log of a home folder: alerts in an LMDB environment of their own, all other topics in
 * another. LMDB has one writer at a time, and somebody waits for an alert: its commit must not stand behind
 * those of producers. Otherwise it is one log; an append goes to either environment, never to both.
 *
 * Alerts are not synced to disk until the log is closed, as two syncs were a third of their way to a subscriber. SIGKILL
 * takes none back. Behind a power loss the bus begins anew, and every cursor from before is behind what it
 * keeps: `cursor-gap`, which sends its owner to the tables, where all alerts up to the newest checkpoint
 * are; tasks go on from there and raise the later ones again. Where the system tells no boot, they are synced.
 */
export class HomeLog implements EventLog, AlertLog {
  /** Whether the folder is a home: its log is the first that it gets. */
  static isIn(home: string): boolean {
    return existsSync(join(home, EVENTS));
  }

  private readonly events: LmdbEventLog;
  private readonly alerts: LmdbEventLog;
  private readonly clock: () => number;

  constructor(home: string, { bootId = machineBootId(), ...options }: HomeLogOptions) {
    this.clock = options.clock;
    const alerts = join(home, ALERTS);
    if (UnsyncedMarks.tellOfLoss(alerts, bootId)) dropAlerts(home, alerts, bootId);
    this.events = new LmdbEventLog({ ...options, path: join(home, EVENTS) });
    this.alerts = new LmdbEventLog({ ...options, path: alerts, unsyncedInBoot: bootId });
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const wasUsed = (await this.events.topics()).length > 0;
    await this.events.createTopics(specs.filter(({ name }) => name !== ALERTS_TOPIC));
    const ofAlerts = specs.filter(({ name }) => name === ALERTS_TOPIC);
    await this.alerts.createTopics(ofAlerts, wasUsed ? this.clock() * OFFSETS_PER_MS : 0);
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

/** Out of the way in one step: a crash leaves them as they were, or aside, where the next loss removes them. */
function dropAlerts(home: string, alerts: string, bootId: string | null): void {
  const aside = join(home, ALERTS_LOST);
  const moved = join(aside, randomUUID());
  mkdirSync(aside, { recursive: true });
  try {
    renameSync(alerts, moved);
    // Another process was faster, and these are its new ones.
    if (!UnsyncedMarks.tellOfLoss(moved, bootId)) renameSync(moved, alerts);
  } catch (error) {
    // The same.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}
