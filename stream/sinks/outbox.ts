import type { Alert, AlertBus } from "../ports/alert-bus.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { HotBatch, HotStore } from "../ports/hot-store.ts";
import { WorkTally } from "../runtime/work-tally.ts";
import { HotBatchWriter, type HotOutputs } from "./hot-batch-writer.ts";

/** Alerts, pane blocks and hot values that wait for their write; above it the task stops reading. */
export const OUTBOX_ITEMS_MAX = 50_000;

/** A record for the second stage; `sequence` rises by one from block to block of a task's stream. */
export interface PaneRecord {
  /** Blocks of one stream are told apart by their sequence; each stream has its own. */
  readonly stream: string;
  readonly bytes: Uint8Array;
  /** Null for a marker that may be repeated or missed (idleness). */
  readonly sequence: number | null;
}

export interface OutboxDeps {
  readonly log: Pick<EventLog, "append">;
  readonly hotStore: Pick<HotStore, "putMany">;
  readonly alertBus: Pick<AlertBus, "publish">;
  readonly taskId: string;
  readonly paneTopic: string;
  /** Where alerts and hot values are counted; by default nobody asks. */
  readonly tally?: WorkTally | undefined;
}

/**
 * What leaves a task at once, before its checkpoint. All of it may be sent again after a crash:
 * alerts are told apart by id, pane blocks by sequence, hot values overwrite themselves. A checkpoint
 * is prepared only after everything that its inputs caused has been written.
 */
export class Outbox implements HotOutputs {
  private readonly deps: OutboxDeps;
  private readonly tally: WorkTally;
  private alerts: Alert[] = [];
  private panes: PaneRecord[] = [];
  private readonly hot = new Map<string, HotBatchWriter>();
  private inFlight = 0;
  private urgent: Promise<void> = Promise.resolve();
  private panesWritten: Promise<void> = Promise.resolve();
  private writingHot: Promise<void> = Promise.resolve();

  constructor(deps: OutboxDeps) {
    this.deps = deps;
    this.tally = deps.tally ?? new WorkTally();
  }

  /** Items that are not written yet. */
  get pending(): number {
    let pending = this.alerts.length + this.panes.length + this.inFlight;
    for (const { count } of this.hot.values()) pending += count;
    return pending;
  }

  get hasAlerts(): boolean {
    return this.alerts.length > 0;
  }

  addAlert(alert: Alert): void {
    this.alerts.push(alert);
  }

  addPane(record: PaneRecord): void {
    this.panes.push(record);
  }

  /** The writer of a namespace. Its values leave in parts, so that a flush of many never holds them all. */
  namespace(name: string, ttlMs: number): HotBatchWriter {
    let writer = this.hot.get(name);
    if (writer === undefined) {
      const made = new HotBatchWriter(name, ttlMs, () => this.writeHot(made));
      this.hot.set(name, made);
      writer = made;
    }
    return writer;
  }

  /** Sends alerts alone; resolves when all that were added so far are written. */
  flushAlerts(): Promise<void> {
    const { alerts } = this;
    if (alerts.length > 0) {
      this.alerts = [];
      this.urgent = this.track(this.urgent, alerts.length, this.publish(alerts));
    }
    return this.urgent;
  }

  /** Sends alerts and panes; resolves when all that were added so far are written. */
  flushUrgent(): Promise<void> {
    void this.flushAlerts();
    const { panes } = this;
    if (panes.length > 0) {
      this.panes = [];
      // Never past a block that failed: the log would take that one, sent again, for a repeat.
      this.panesWritten = this.panesWritten.then(() => this.appendPanes(panes));
      this.urgent = this.track(this.urgent, panes.length, this.panesWritten);
    }
    return this.urgent;
  }

  /** Sends everything; resolves when all that was added so far is written. */
  async flush(): Promise<void> {
    const urgent = this.flushUrgent();
    for (const writer of this.hot.values()) if (writer.count > 0) this.writeHot(writer);
    await Promise.all([urgent, this.writingHot]);
  }

  private writeHot(writer: HotBatchWriter): void {
    const batch = writer.take();
    const write = this.putHot(batch).then(() => writer.giveBack(batch));
    this.writingHot = this.track(this.writingHot, batch.count, write);
  }

  private async putHot(batch: HotBatch): Promise<void> {
    await this.tally.failure("hotFailures", this.deps.hotStore.putMany(batch));
    this.tally.add("hotValues", [], batch.count);
  }

  private async publish(alerts: readonly Alert[]): Promise<void> {
    await this.deps.alertBus.publish(alerts);
    for (const { kind } of alerts) this.tally.add("alerts", [kind], 1);
  }

  /** Resolves when the writes before and this one are done. */
  private track(before: Promise<void>, items: number, write: Promise<void>): Promise<void> {
    this.inFlight += items;
    const done = write.finally(() => {
      this.inFlight -= items;
    });
    const both = Promise.all([before, done]).then(() => undefined);
    // The rejection is observed by whoever awaits a flush; this only keeps Node quiet until then.
    both.catch(() => undefined);
    return both;
  }

  private async appendPanes(panes: readonly PaneRecord[]): Promise<void> {
    const streams = new Map<string, PaneRecord[]>();
    for (const pane of panes) {
      const blocks = streams.get(pane.stream);
      if (blocks === undefined) streams.set(pane.stream, [pane]);
      else blocks.push(pane);
    }
    await Promise.all([...streams].map(([stream, blocks]) => this.appendBlocks(stream, blocks)));
  }

  private async appendBlocks(stream: string, panes: readonly PaneRecord[]): Promise<void> {
    const { log, taskId, paneTopic } = this.deps;
    const starts = new Int32Array(panes.length);
    const ends = new Int32Array(panes.length);
    const bytes = new Uint8Array(panes.reduce((sum, pane) => sum + pane.bytes.length, 0));
    let at = 0;
    for (const [i, pane] of panes.entries()) {
      starts[i] = at;
      bytes.set(pane.bytes, at);
      at += pane.bytes.length;
      ends[i] = at;
    }
    const sequence = panes.reduce((last, pane) => Math.max(last, pane.sequence ?? -1), -1);
    const batch = { topic: paneTopic, partition: 0, count: panes.length, bytes, starts, ends };
    await log.append([batch], sequence < 0 ? undefined : { id: `panes:${taskId}:${stream}`, sequence });
  }
}
