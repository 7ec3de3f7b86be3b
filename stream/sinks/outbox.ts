import type { Alert, AlertBus } from "../ports/alert-bus.ts";
import type { EventLog } from "../ports/event-log.ts";
import type { HotEntry, HotStore } from "../ports/hot-store.ts";

/** Alerts, pane blocks and hot values that wait for their write; above it the task stops reading. */
export const OUTBOX_ITEMS_MAX = 50_000;
const HOT_ENTRIES_AT_ONCE = 10_000;

/** A record for an internal topic; `sequence` rises by one from block to block of a task. */
export interface PaneRecord {
  readonly bytes: Uint8Array;
  /** Null for a marker that may be repeated or missed (idleness). */
  readonly sequence: number | null;
}

export interface OutboxDeps {
  readonly log: EventLog;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  readonly taskId: string;
  readonly paneTopic: string;
}

/**
 * What leaves a task at once, before its checkpoint. All of it may be sent again after a crash:
 * alerts are told apart by id, pane blocks by sequence, hot values overwrite themselves. A checkpoint
 * is prepared only after everything that its inputs caused has been written.
 */
export class Outbox {
  private readonly deps: OutboxDeps;
  private alerts: Alert[] = [];
  private panes: PaneRecord[] = [];
  private hot: HotEntry[] = [];
  private writing: Promise<void> = Promise.resolve();

  constructor(deps: OutboxDeps) {
    this.deps = deps;
  }

  get pending(): number {
    return this.alerts.length + this.panes.length + this.hot.length;
  }

  addAlert(alert: Alert): void {
    this.alerts.push(alert);
  }

  addPane(record: PaneRecord): void {
    this.panes.push(record);
  }

  addHot(entry: HotEntry): void {
    this.hot.push(entry);
  }

  /** Resolves when everything added so far is written; writes are in order. */
  flush(): Promise<void> {
    if (this.pending > 0) {
      const { alerts, panes, hot } = this;
      this.alerts = [];
      this.panes = [];
      this.hot = [];
      this.writing = this.writing.then(() => this.write(alerts, panes, hot));
      // The rejection is observed by whoever awaits the returned promise; this only keeps Node quiet until then.
      this.writing.catch(() => undefined);
    }
    return this.writing;
  }

  private async write(
    alerts: readonly Alert[],
    panes: readonly PaneRecord[],
    hot: HotEntry[],
  ): Promise<void> {
    const { alertBus } = this.deps;
    await Promise.all([
      alerts.length > 0 ? alertBus.publish(alerts) : undefined,
      panes.length > 0 ? this.appendPanes(panes) : undefined,
      hot.length > 0 ? this.putHot(hot) : undefined,
    ]);
  }

  /** In key order and in parts: neighbours in an ordered store share its pages, and no part is large. */
  private async putHot(entries: HotEntry[]): Promise<void> {
    entries.sort((a, b) =>
      a.namespace === b.namespace ? (a.key < b.key ? -1 : 1) : a.namespace < b.namespace ? -1 : 1,
    );
    for (let from = 0; from < entries.length; from += HOT_ENTRIES_AT_ONCE) {
      await this.deps.hotStore.putMany(entries.slice(from, from + HOT_ENTRIES_AT_ONCE));
    }
  }

  private async appendPanes(panes: readonly PaneRecord[]): Promise<void> {
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
    await log.append([batch], sequence < 0 ? undefined : { id: `panes:${taskId}`, sequence });
  }
}
