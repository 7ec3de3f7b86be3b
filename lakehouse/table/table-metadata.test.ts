import { describe, expect, it } from "vitest";
import type { TableUpdate } from "../ports/catalog.ts";
import { applyUpdates } from "./apply-updates.ts";
import { parseLossless, sameId, stringifyLossless } from "./lossless-json.ts";
import { newSnapshotId } from "./snapshot-writer.ts";
import { currentSnapshot, snapshotAt } from "./table-metadata.ts";

describe("table metadata", () => {
  it("keeps every integer of JSON exact", () => {
    const text =
      '{"a":7638203417532903007,"b":[-9223372036854775808,9007199254740991,1.5,1e+300],"c":{"d":"1"}}';
    expect(stringifyLossless(parseLossless(text))).toBe(text);
    expect(parseLossless(text)).toMatchObject({
      a: 7638203417532903007n,
      b: [-(2n ** 63n), 2 ** 53 - 1, 1.5, 1e300],
    });
  });

  it("compares ids of either form", () => {
    expect(sameId(5, 5n)).toBe(true);
    expect(sameId(2n ** 60n, 2n ** 60n + 1n)).toBe(false);
    expect(sameId(null, undefined)).toBe(true);
    expect(sameId(null, 0)).toBe(false);
  });

  it("makes snapshot ids that a double holds exactly", () => {
    for (let i = 0; i < 1000; i++) {
      const id = newSnapshotId();
      expect(Number.isSafeInteger(id) && id > 0).toBe(true);
    }
  });

  const snapshot = (id: number, time: number): TableUpdate[] => [
    {
      action: "add-snapshot",
      snapshot: {
        "snapshot-id": id,
        "sequence-number": id,
        "timestamp-ms": time,
        "manifest-list": `list-${id}`,
        summary: { operation: "append" },
      },
    },
    { action: "set-snapshot-ref", "ref-name": "main", type: "branch", "snapshot-id": id },
  ];

  it("follows the history of main, also over expiry", () => {
    let metadata = applyUpdates(null, [...snapshot(1, 100), ...snapshot(2, 200), ...snapshot(3, 300)], 300);
    expect(currentSnapshot(metadata)?.["snapshot-id"]).toBe(3);
    expect(snapshotAt(metadata, 299)?.["snapshot-id"]).toBe(2);
    expect(snapshotAt(metadata, 99)).toBeNull();
    metadata = applyUpdates(metadata, [{ action: "remove-snapshots", "snapshot-ids": [1] }], 400);
    expect(snapshotAt(metadata, 150)).toBeNull();
    expect(snapshotAt(metadata, 250)?.["snapshot-id"]).toBe(2);
  });

  it("refuses updates that contradict the metadata", () => {
    const metadata = applyUpdates(null, snapshot(1, 100), 100);
    for (const updates of [
      snapshot(1, 200),
      [{ action: "set-snapshot-ref", "ref-name": "main", type: "branch", "snapshot-id": 9 }],
      [{ action: "set-current-schema", "schema-id": 4 }],
    ] as TableUpdate[][]) {
      expect(() => applyUpdates(metadata, updates, 200)).toThrow(
        expect.objectContaining({ code: "catalog-update-invalid" }),
      );
    }
  });

  it("takes it for a conflict that the metadata has changed in what no requirement tells", () => {
    const metadata = applyUpdates(null, snapshot(2, 100), 100);
    for (const updates of [
      snapshot(1, 200),
      [{ action: "remove-snapshots", "snapshot-ids": [2] }],
    ] as TableUpdate[][]) {
      expect(() => applyUpdates(metadata, updates, 200)).toThrow(
        expect.objectContaining({ code: "commit-conflict", retry: true }),
      );
    }
  });

  it("never lets time run backwards", () => {
    const metadata = applyUpdates(null, snapshot(1, 500), 500);
    const next = applyUpdates(metadata, snapshot(2, 400), 400);
    expect(next["last-updated-ms"]).toBe(500);
    expect(next["snapshot-log"]?.map((entry) => entry["timestamp-ms"])).toEqual([500, 500]);
  });
});
