import { MillraceError } from "../../schema/index.ts";
import {
  currentSnapshot,
  type Snapshot,
  snapshotAt,
  snapshotById,
  type TableMetadata,
} from "./table-metadata.ts";

/**
 * The snapshot that `asOf` names: by id, by time (ISO 8601), or the newest where it is undefined (null
 * before the first commit). Throws `snapshot-not-found`.
 */
export function snapshotAsOf(
  name: string,
  metadata: TableMetadata,
  asOf: string | undefined,
): Snapshot | null {
  if (asOf === undefined) return currentSnapshot(metadata);
  if (/^\d+$/.test(asOf)) {
    const snapshot = snapshotById(metadata, asOf);
    if (snapshot !== null) return snapshot;
    throw snapshotNotFound(`${name} has no snapshot ${asOf}: it expired or never was`);
  }
  const time = Date.parse(asOf);
  if (Number.isNaN(time)) throw snapshotNotFound(`"${asOf}" is neither a snapshot id nor an ISO 8601 time`);
  const snapshot = snapshotAt(metadata, time);
  if (snapshot !== null) return snapshot;
  throw snapshotNotFound(`${name} has no snapshot as old as ${asOf}: it expired, or the table is younger`);
}

export function snapshotNotFound(message: string, cause?: unknown): MillraceError {
  return new MillraceError(message, { code: "snapshot-not-found", origin: "user", cause });
}
