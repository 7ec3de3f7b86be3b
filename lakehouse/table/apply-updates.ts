import { MillraceError } from "../../schema/index.ts";
import type { TableRequirement, TableUpdate } from "../ports/catalog.ts";
import { type JsonInteger, sameId } from "./lossless-json.ts";
import { MAIN_BRANCH, type TableMetadata } from "./table-metadata.ts";

/** Rejects a commit: the metadata is not what the writer saw. */
export function commitConflict(table: string, detail: string): MillraceError {
  return new MillraceError(`${table}: another commit came first (${detail}); load the table and try again`, {
    code: "commit-conflict",
    origin: "external",
    retry: true,
  });
}

/** The first requirement that does not hold, in words; null when all do. */
export function failedRequirement(
  metadata: TableMetadata | null,
  requirements: readonly TableRequirement[],
): string | null {
  for (const requirement of requirements) {
    const failure = check(metadata, requirement);
    if (failure !== null) return failure;
  }
  return null;
}

function check(metadata: TableMetadata | null, requirement: TableRequirement): string | null {
  if (requirement.type === "assert-create") return metadata === null ? null : "the table exists";
  if (metadata === null) return "the table does not exist";
  switch (requirement.type) {
    case "assert-table-uuid":
      return expectEqual("table uuid", metadata["table-uuid"], requirement.uuid);
    case "assert-ref-snapshot-id": {
      const head = metadata.refs?.[requirement.ref]?.["snapshot-id"] ?? null;
      return expectEqual(`head of ${requirement.ref}`, head, requirement["snapshot-id"]);
    }
    case "assert-last-assigned-field-id":
      return expectEqual("last column id", metadata["last-column-id"], requirement["last-assigned-field-id"]);
    case "assert-current-schema-id":
      return expectEqual("current schema", metadata["current-schema-id"], requirement["current-schema-id"]);
    case "assert-last-assigned-partition-id":
      return expectEqual(
        "last partition id",
        metadata["last-partition-id"],
        requirement["last-assigned-partition-id"],
      );
    case "assert-default-spec-id":
      return expectEqual("default spec", metadata["default-spec-id"], requirement["default-spec-id"]);
    case "assert-default-sort-order-id":
      return expectEqual(
        "default sort order",
        metadata["default-sort-order-id"],
        requirement["default-sort-order-id"],
      );
  }
}

function expectEqual(
  what: string,
  actual: JsonInteger | string | null,
  expected: JsonInteger | string | null,
): string | null {
  return String(actual) === String(expected) ? null : `${what} is ${actual}, expected ${expected}`;
}

/** What a table is before the first update of its creation. */
const EMPTY: TableMetadata = {
  "format-version": 2,
  "table-uuid": "",
  location: "",
  "last-sequence-number": 0,
  "last-updated-ms": 0,
  "last-column-id": 0,
  "current-schema-id": -1,
  schemas: [],
  "default-spec-id": -1,
  "partition-specs": [],
  "last-partition-id": 999,
  "default-sort-order-id": 0,
  "sort-orders": [],
  properties: {},
  snapshots: [],
  "snapshot-log": [],
  "metadata-log": [],
  refs: {},
};

/**
 * The metadata after the updates; `metadata` is null for a table that is being created. Throws
 * `commit-conflict` for an update that was right before another commit, of which no requirement tells, and
 * `catalog-update-invalid` for one that contradicts any metadata: a bug of the caller.
 */
export function applyUpdates(
  metadata: TableMetadata | null,
  updates: readonly TableUpdate[],
  nowMs: number,
): TableMetadata {
  // Iceberg's readers expect the time not to run backwards by more than a minute between versions.
  const now = Math.max(nowMs, metadata?.["last-updated-ms"] ?? 0);
  let result = metadata ?? EMPTY;
  for (const update of updates) result = apply(result, update, now);
  return { ...result, "last-updated-ms": now };
}

function apply(metadata: TableMetadata, update: TableUpdate, now: number): TableMetadata {
  switch (update.action) {
    case "assign-uuid":
      return { ...metadata, "table-uuid": update.uuid };
    case "upgrade-format-version":
      return { ...metadata, "format-version": update["format-version"] };
    case "set-location":
      return { ...metadata, location: update.location };
    case "set-properties":
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    case "remove-properties": {
      const kept = Object.entries(metadata.properties ?? {}).filter(
        ([key]) => !update.removals.includes(key),
      );
      return { ...metadata, properties: Object.fromEntries(kept) };
    }
    case "add-snapshot":
      return addSnapshot(metadata, update);
    case "set-snapshot-ref":
      return setSnapshotRef(metadata, update, now);
    case "remove-snapshot-ref": {
      const { [update["ref-name"]]: _removed, ...refs } = metadata.refs ?? {};
      return { ...metadata, refs };
    }
    case "remove-snapshots":
      return removeSnapshots(metadata, update["snapshot-ids"]);
    default:
      return applyLayout(metadata, update);
  }
}

/** Updates of schema, partitioning and order. */
function applyLayout(
  metadata: TableMetadata,
  update: Extract<
    TableUpdate,
    {
      action:
        | "add-schema"
        | "set-current-schema"
        | "add-spec"
        | "set-default-spec"
        | "add-sort-order"
        | "set-default-sort-order";
    }
  >,
): TableMetadata {
  const { schemas, "partition-specs": specs, "sort-orders": orders } = metadata;
  switch (update.action) {
    case "add-schema": {
      const id = Math.max(-1, ...schemas.map((schema) => schema["schema-id"])) + 1;
      const columnId = Math.max(metadata["last-column-id"], ...update.schema.fields.map((field) => field.id));
      return {
        ...metadata,
        schemas: [...schemas, { ...update.schema, "schema-id": id }],
        "last-column-id": Math.max(columnId, update["last-column-id"] ?? 0),
      };
    }
    case "set-current-schema":
      return {
        ...metadata,
        "current-schema-id": resolveId(
          update["schema-id"],
          schemas.map((schema) => schema["schema-id"]),
        ),
      };
    case "add-spec": {
      const fieldIds = update.spec.fields.map((field) => field["field-id"]);
      return {
        ...metadata,
        "partition-specs": [...specs, { ...update.spec, "spec-id": specs.length }],
        "last-partition-id": Math.max(metadata["last-partition-id"], ...fieldIds),
      };
    }
    case "set-default-spec":
      return {
        ...metadata,
        "default-spec-id": resolveId(
          update["spec-id"],
          specs.map((spec) => spec["spec-id"]),
        ),
      };
    case "add-sort-order":
      return { ...metadata, "sort-orders": [...orders, update["sort-order"]] };
    case "set-default-sort-order":
      return {
        ...metadata,
        "default-sort-order-id": resolveId(
          update["sort-order-id"],
          orders.map((order) => order["order-id"]),
        ),
      };
  }
}

function resolveId(id: number, known: readonly number[]): number {
  const resolved = id === -1 ? known.at(-1) : id;
  if (resolved === undefined || !known.includes(resolved)) throw invalid(`id ${id} is not in the metadata`);
  return resolved;
}

function addSnapshot(
  metadata: TableMetadata,
  { snapshot }: Extract<TableUpdate, { action: "add-snapshot" }>,
): TableMetadata {
  const snapshots = metadata.snapshots ?? [];
  if (snapshots.some((other) => sameId(other["snapshot-id"], snapshot["snapshot-id"]))) {
    throw invalid(`snapshot ${snapshot["snapshot-id"]} exists already`);
  }
  if (snapshot["sequence-number"] <= metadata["last-sequence-number"] && snapshots.length > 0) {
    // Requirements speak of single branches, which all count on together.
    throw commitConflict(
      `the table at ${metadata.location}`,
      `sequence number ${snapshot["sequence-number"]} is not above ${metadata["last-sequence-number"]}`,
    );
  }
  return {
    ...metadata,
    snapshots: [...snapshots, snapshot],
    "last-sequence-number": snapshot["sequence-number"],
  };
}

function setSnapshotRef(
  metadata: TableMetadata,
  update: Extract<TableUpdate, { action: "set-snapshot-ref" }>,
  now: number,
): TableMetadata {
  const { action: _action, "ref-name": name, ...ref } = update;
  const id = ref["snapshot-id"];
  const snapshot = metadata.snapshots?.find((candidate) => sameId(candidate["snapshot-id"], id));
  if (snapshot === undefined) throw invalid(`ref ${name} names the unknown snapshot ${id}`);
  const result = { ...metadata, refs: { ...metadata.refs, [name]: ref } };
  if (name !== MAIN_BRANCH) return result;
  const log = metadata["snapshot-log"] ?? [];
  // A ref that moves back (a rollback) became current now, not when its snapshot was made.
  const isNew = !log.some((entry) => sameId(entry["snapshot-id"], id));
  const time = Math.max(isNew ? snapshot["timestamp-ms"] : now, log.at(-1)?.["timestamp-ms"] ?? 0);
  return {
    ...result,
    "current-snapshot-id": id,
    "snapshot-log": [...log, { "snapshot-id": id, "timestamp-ms": time }],
  };
}

function removeSnapshots(metadata: TableMetadata, ids: readonly JsonInteger[]): TableMetadata {
  const removed = new Set(ids.map(String));
  for (const [name, ref] of Object.entries(metadata.refs ?? {})) {
    if (removed.has(String(ref["snapshot-id"]))) {
      throw commitConflict(
        `the table at ${metadata.location}`,
        `snapshot ${ref["snapshot-id"]} is the head of ${name}`,
      );
    }
  }
  const log = metadata["snapshot-log"] ?? [];
  // History before a removed snapshot would claim that an older one was current then: cut it.
  const cut = log.findLastIndex((entry) => removed.has(String(entry["snapshot-id"])));
  return {
    ...metadata,
    snapshots: (metadata.snapshots ?? []).filter((snapshot) => !removed.has(String(snapshot["snapshot-id"]))),
    "snapshot-log": log.slice(cut + 1),
  };
}

function invalid(detail: string): MillraceError {
  return new MillraceError(`invalid table update: ${detail}`, {
    code: "catalog-update-invalid",
    origin: "internal",
  });
}
