import {
  type Column,
  columnValue,
  type EventBatch,
  type Float64Column,
  type KeyDictionary,
  RowBuffer,
  type StateSection,
  type TableSpec,
  tableName,
} from "../../../schema/index.ts";
import type { Alert } from "../../ports/alert-bus.ts";
import { hotKey, hotValue } from "../../ports/hot-store.ts";
import type { Operator, OperatorOutputs } from "../../runtime/operator.ts";
import { StateImageWriter } from "../../runtime/state-image.ts";
import { restoreParts } from "../../runtime/testing/restore-parts.ts";
import { HotBatchWriter, type HotOutputs } from "../../sinks/hot-batch-writer.ts";
import { END_OF_INPUT, type WatermarkTracker } from "../../time/index.ts";

export type OutputRow = Readonly<Record<string, string | number | boolean | null>>;

/** Collects what operators emit, as plain rows by `namespace.name`. */
export class CollectedOutputs implements OperatorOutputs {
  readonly rows = new Map<string, OutputRow[]>();
  readonly alerts: Alert[] = [];
  private readonly buffers: RowBuffer[] = [];

  openRows(table: TableSpec, dictionaries: Readonly<Record<string, KeyDictionary>> = {}): RowBuffer {
    const rows: OutputRow[] = this.rows.get(tableName(table)) ?? [];
    this.rows.set(tableName(table), rows);
    const take = (columns: readonly Column[], length: number): void => {
      for (let row = 0; row < length; row++) {
        rows.push(Object.fromEntries(table.columns.map((c, i) => [c.name, columnValue(columns[i], row)])));
      }
    };
    const buffer = new RowBuffer(table, take, dictionaries, 64);
    this.buffers.push(buffer);
    return buffer;
  }

  emitAlert(alert: Alert): void {
    this.alerts.push(alert);
  }

  flush(): void {
    for (const buffer of this.buffers) buffer.flush();
  }

  table(name: string): readonly OutputRow[] {
    this.flush();
    return this.rows.get(name) ?? [];
  }
}

/** Collects hot values, the newest of each `NAMESPACE/KEY`. */
export class CollectedHot implements HotOutputs {
  private readonly writers: HotBatchWriter[] = [];

  namespace(name: string, ttlMs: number): HotBatchWriter {
    const writer = new HotBatchWriter(name, ttlMs);
    this.writers.push(writer);
    return writer;
  }

  values(): Map<string, string> {
    const values = new Map<string, string>();
    for (const writer of this.writers.splice(0)) {
      const batch = writer.take();
      for (let i = 0; i < batch.count; i++)
        values.set(`${batch.namespace}/${hotKey(batch, i)}`, Buffer.from(hotValue(batch, i)).toString());
    }
    return values;
  }
}

/** Rows that {@link driveBatch} has emitted in between, of those that are put off: few, so that most wait. */
const EMIT_ROWS = 7;

/** Drives operators over one batch as the runtime does, a cut behind it; dedupe and others in the order given. */
export function driveBatch<B extends EventBatch>(
  batch: B,
  time: Float64Column,
  tracker: WatermarkTracker,
  operators: readonly Operator<B>[],
): void {
  for (let from = 0; from < batch.length; ) {
    const to = tracker.scan(batch, time, from);
    if (to > from) for (const operator of operators) operator.process(batch, from, to, tracker.progress);
    if (to < batch.length) {
      const progress = tracker.advance();
      for (const operator of operators) operator.advance(progress);
    }
    for (const operator of operators) operator.emitSome?.(EMIT_ROWS);
    from = to;
  }
  for (const operator of operators) operator.emitSome?.(Number.POSITIVE_INFINITY);
}

export function driveEnd<B extends EventBatch>(operators: readonly Operator<B>[]): void {
  for (const operator of operators) {
    operator.advance(END_OF_INPUT);
    operator.emitSome?.(Number.POSITIVE_INFINITY);
  }
}

/** Splits [0, count) at random places; some pieces are empty or single rows. */
export function randomCuts(count: number, pieces: number, random: () => number): number[] {
  const cuts = Array.from({ length: pieces - 1 }, () => Math.floor(random() * (count + 1)));
  return [0, ...cuts.sort((a, b) => a - b), count];
}

/** Moves state from one set of sections into a fresh one, through the runtime's own images. */
export function copyState(from: readonly StateSection[], to: readonly StateSection[]): void {
  restoreParts(to, new StateImageWriter(from).capture("full"));
}

/** Of several rows with one key, the one with the highest revision. */
export function finalRevisions(rows: readonly OutputRow[], key: readonly string[]): OutputRow[] {
  const final = new Map<string, OutputRow>();
  for (const row of rows) {
    const id = key.map((name) => row[name]).join("\u0000");
    const before = final.get(id);
    if (before === undefined || Number(row.revision) > Number(before.revision)) final.set(id, row);
  }
  return [...final.keys()].sort().map((id) => final.get(id) as OutputRow);
}

/** Mulberry32: a small seeded generator, uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Merges the tasks' blocks at random, each task's in order, with repeats as after a crash. */
export function interleaveBlocks(
  tasks: readonly (readonly Uint8Array[])[],
  random: () => number,
): Uint8Array[] {
  const next = tasks.map(() => 0);
  const merged: Uint8Array[] = [];
  while (next.some((at, task) => at < tasks[task].length)) {
    const task = Math.floor(random() * tasks.length);
    if (next[task] >= tasks[task].length) continue;
    merged.push(tasks[task][next[task]++]);
    if (random() < 0.05) merged.push(...tasks[task].slice(Math.max(0, next[task] - 3), next[task]));
  }
  return merged;
}
