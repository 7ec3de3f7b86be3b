import type { ObjectStore } from "../ports/object-store.ts";
import { someAtOnce } from "../some-at-once.ts";
import { TableLayout } from "../table/layout.ts";
import {
  currentSnapshot,
  MAIN_BRANCH,
  type Snapshot,
  type SnapshotRef,
  snapshotById,
  type TableMetadata,
} from "../table/table-metadata.ts";

/** How long snapshots stay where neither the table nor a branch says otherwise. */
export interface RetentionLimits {
  /** Since they were replaced. */
  readonly maxAgeMs: number;
  /** Of a branch, however old. */
  readonly keepLast: number;
  /** Of a branch that has no age of its own, however young. */
  readonly keepMost: number;
}

/** What has had its time. */
export interface Outdated {
  readonly snapshots: readonly Snapshot[];
  /** Names of branches and tags; never main. */
  readonly refs: readonly string[];
}

const LOOKS_AT_ONCE = 16;

/** Whether files of the table may be deleted: not where other tables are made of them, too. */
export function mayDeleteFiles({ properties }: TableMetadata): boolean {
  return properties?.["gc.enabled"]?.toLowerCase() !== "false";
}

/**
 * By id, when the snapshots were made whose metadata says that they come from the future: a clock was ahead once, and a
 * table's time never goes back, so that all since claim to be as young as that. The store's clock tells of their files.
 */
export async function timesOfFuture(
  table: string,
  metadata: TableMetadata,
  nowMs: number,
  objectStore: ObjectStore,
): Promise<ReadonlyMap<string, number>> {
  const layout = new TableLayout(table, metadata, objectStore);
  const future = (metadata.snapshots ?? []).filter((snapshot) => snapshot["timestamp-ms"] > nowMs);
  const times = await someAtOnce(future, LOOKS_AT_ONCE, async (snapshot) => {
    const list = await objectStore.head(layout.keyOf(snapshot["manifest-list"]));
    return [idOf(snapshot), Math.min(nowMs, list?.modifiedAt ?? nowMs)] as const;
  });
  return new Map(times);
}

/**
 * What may go by Iceberg's rules (https://iceberg.apache.org/spec/#snapshot-retention-policy): of each branch its newest
 * snapshots stay, and those that were current within an age; each tag's; and of what no ref leads to, what is young.
 * A ref's own limits come before the table's `history.expire.*`, and these before `limits`.
 *
 * @param times see {@link timesOfFuture}
 */
export function outdated(
  metadata: TableMetadata,
  limits: RetentionLimits,
  nowMs: number,
  times: ReadonlyMap<string, number>,
): Outdated {
  const snapshots = metadata.snapshots ?? [];
  const madeAt = (snapshot: Snapshot): number => times.get(idOf(snapshot)) ?? snapshot["timestamp-ms"];
  const replacedAt = replacementTimes(snapshots, madeAt);
  // Not its own age: where nothing came for days, an old one was read until a moment ago.
  const isYoung = (snapshot: Snapshot, maxAgeMs: number): boolean =>
    (replacedAt.get(idOf(snapshot)) ?? madeAt(snapshot)) >= nowMs - maxAgeMs;
  const maxAgeMs = tableLimit(metadata, "max-snapshot-age-ms") ?? limits.maxAgeMs;
  const keepLast = tableLimit(metadata, "min-snapshots-to-keep") ?? limits.keepLast;
  const refs = refsOf(metadata);
  const outdatedRefs = refs.filter(([name, ref]) => isOutdated(name, ref, metadata, nowMs));
  const [led, kept] = [new Set<Snapshot>(), new Set<Snapshot>()];
  for (const [name, ref] of refs) {
    if (outdatedRefs.some(([outdatedName]) => outdatedName === name)) continue;
    const newest = Math.max(1, ref["min-snapshots-to-keep"] ?? keepLast);
    const ownAgeMs = ref["max-snapshot-age-ms"] ?? tableLimit(metadata, "max-snapshot-age-ms");
    const most = ownAgeMs === null ? limits.keepMost : Number.POSITIVE_INFINITY;
    for (const [index, snapshot] of lineOf(metadata, ref).entries()) {
      led.add(snapshot);
      if (index < newest || (index < most && isYoung(snapshot, ownAgeMs ?? maxAgeMs))) kept.add(snapshot);
    }
  }
  return {
    snapshots: snapshots.filter(
      (snapshot) => !kept.has(snapshot) && (led.has(snapshot) || !isYoung(snapshot, maxAgeMs)),
    ),
    refs: outdatedRefs.map(([name]) => name),
  };
}

/** Main is one also where an older writer has only named the current snapshot. */
function refsOf(metadata: TableMetadata): (readonly [string, SnapshotRef])[] {
  const refs = Object.entries(metadata.refs ?? {});
  const head = currentSnapshot(metadata);
  if (head === null || metadata.refs?.[MAIN_BRANCH] !== undefined) return refs;
  return [...refs, [MAIN_BRANCH, { type: "branch", "snapshot-id": head["snapshot-id"] }]];
}

function isOutdated(name: string, ref: SnapshotRef, metadata: TableMetadata, nowMs: number): boolean {
  const maxAgeMs = ref["max-ref-age-ms"] ?? tableLimit(metadata, "max-ref-age-ms");
  const head = snapshotById(metadata, ref["snapshot-id"]);
  if (name === MAIN_BRANCH || maxAgeMs === null || head === null) return false;
  return nowMs - head["timestamp-ms"] > maxAgeMs;
}

/** Snapshots of a branch, the newest first, as far back as they are still there; a tag has one. */
function lineOf(metadata: TableMetadata, ref: SnapshotRef): Snapshot[] {
  const byId = new Map((metadata.snapshots ?? []).map((snapshot) => [idOf(snapshot), snapshot]));
  const line: Snapshot[] = [];
  let next = byId.get(String(ref["snapshot-id"]));
  while (next !== undefined) {
    line.push(next);
    // Each once, whatever the metadata says of its parent.
    byId.delete(idOf(next));
    next = ref.type === "tag" ? undefined : byId.get(String(next["parent-snapshot-id"]));
  }
  return line;
}

/** By id, when the last of a snapshot's children came, ms. */
function replacementTimes(
  snapshots: readonly Snapshot[],
  madeAt: (snapshot: Snapshot) => number,
): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const snapshot of snapshots) {
    const id = String(snapshot["parent-snapshot-id"]);
    const time = madeAt(snapshot);
    times.set(id, Math.max(time, times.get(id) ?? time));
  }
  return times;
}

/** One of a table's limits `history.expire.*`; null where it has none. */
export function tableLimit({ properties }: TableMetadata, name: string): number | null {
  const text = properties?.[`history.expire.${name}`];
  return text !== undefined && /^\d{1,19}$/.test(text) ? Number(text) : null;
}

function idOf(snapshot: Snapshot): string {
  return String(snapshot["snapshot-id"]);
}
