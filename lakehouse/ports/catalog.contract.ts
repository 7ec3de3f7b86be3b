import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Catalog, TableUpdate } from "./catalog.ts";

/** A catalog without tables; `open` gives another client of the same, as another process has it. */
export interface CatalogFixture {
  readonly catalog: Catalog;
  open(): Catalog;
  /** A namespace without tables; in a catalog that tests share, one of its own. */
  readonly namespace: string;
  /** Address for a new table. */
  location(table: string): string;
  remove(): Promise<void>;
}

/** What every catalog guarantees. */
export function catalogContract(name: string, create: () => Promise<CatalogFixture>): void {
  describe(`catalog contract: ${name}`, () => {
    let fixture: CatalogFixture;
    let catalog: Catalog;
    let contractTable: string;
    beforeEach(async () => {
      fixture = await create();
      catalog = fixture.catalog;
      contractTable = `${fixture.namespace}.contract`;
    });
    afterEach(() => fixture.remove());

    const createTable = (from: Catalog = catalog) =>
      from.commit(contractTable, {
        requirements: [{ type: "assert-create" }],
        updates: creation(fixture.location(contractTable)),
      });

    it("knows no table that was not created", async () => {
      expect(await catalog.load(contractTable)).toBeNull();
      expect(await catalog.list(fixture.namespace)).toEqual([]);
      await expect(
        catalog.commit(contractTable, {
          requirements: [],
          updates: [{ action: "set-properties", updates: { a: "1" } }],
        }),
      ).rejects.toMatchObject({ code: "table-not-found" });
    });

    it("creates a table with the field ids that it was given", async () => {
      await createTable();
      const table = await fixture.open().load(contractTable);
      expect(table?.metadata).toMatchObject({
        "format-version": 2,
        location: fixture.location(contractTable),
      });
      expect(table?.metadata.schemas[0].fields.map((field) => field.id)).toEqual([1, 1001]);
      expect(table?.metadata["last-column-id"]).toBe(1001);
      expect(await catalog.list(fixture.namespace)).toEqual([contractTable]);
    });

    it("lets one of racing creators win", async () => {
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => createTable(fixture.open())));
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "commit-conflict" });
      }
    });

    it("changes nothing when a requirement does not hold", async () => {
      const { metadata } = await createTable();
      for (const requirement of [
        { type: "assert-create" },
        { type: "assert-table-uuid", uuid: "00000000-0000-0000-0000-000000000000" },
        { type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": 7 },
        { type: "assert-current-schema-id", "current-schema-id": 7 },
        { type: "assert-last-assigned-field-id", "last-assigned-field-id": 7 },
      ] as const) {
        const updates: TableUpdate[] = [{ action: "set-properties", updates: { changed: "yes" } }];
        await expect(
          catalog.commit(contractTable, { requirements: [requirement], updates }),
        ).rejects.toMatchObject({
          code: "commit-conflict",
          retry: true,
        });
      }
      expect((await fixture.open().load(contractTable))?.metadata).toEqual(metadata);
    });

    it("takes it for a conflict that a commit to another branch took the sequence number", async () => {
      await createTable();
      const location = fixture.location(contractTable);
      await catalog.commit(contractTable, { requirements: [], updates: snapshotUpdates(1, 1, location) });
      await fixture.open().commit(contractTable, {
        requirements: [],
        updates: snapshotUpdates(2, 2, location, { branch: "audit", parent: 1 }),
      });
      const commit = (sequence: number) =>
        catalog.commit(contractTable, {
          requirements: [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": 1 }],
          updates: snapshotUpdates(3, sequence, location, { parent: 1 }),
        });
      await expect(commit(2)).rejects.toMatchObject({ code: "commit-conflict", retry: true });
      const { metadata } = await commit(3);
      expect([metadata.refs?.main["snapshot-id"], metadata.refs?.audit["snapshot-id"]]).toEqual([3, 2]);
    });

    it("keeps 64-bit snapshot ids exact", async () => {
      await createTable();
      const id = 7_638_203_417_532_903n * 1000n + 7n;
      await catalog.commit(contractTable, {
        requirements: [],
        updates: snapshotUpdates(id, 1, fixture.location(contractTable)),
      });
      const other = await fixture.open().load(contractTable);
      expect(other?.metadata.refs?.main["snapshot-id"]).toBe(id);
      await fixture.open().commit(contractTable, {
        requirements: [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": id }],
        updates: snapshotUpdates(12, 2, fixture.location(contractTable)),
      });
      const after = await catalog.load(contractTable);
      expect(after?.metadata.snapshots?.map((snapshot) => snapshot["snapshot-id"])).toEqual([id, 12]);
    });

    it("sets and removes properties, adds schemas, removes snapshots", async () => {
      await createTable();
      await catalog.commit(contractTable, {
        requirements: [],
        updates: [
          ...snapshotUpdates(1, 1, fixture.location(contractTable)),
          { action: "set-properties", updates: { a: "1", b: "2" } },
        ],
      });
      await catalog.commit(contractTable, {
        requirements: [],
        updates: [
          ...snapshotUpdates(2, 2, fixture.location(contractTable)),
          { action: "remove-snapshots", "snapshot-ids": [1] },
          { action: "remove-properties", removals: ["a"] },
          {
            action: "add-schema",
            schema: {
              type: "struct",
              "schema-id": 1,
              fields: [...FIELDS, { id: 1002, name: "c", required: false, type: "double" }],
            },
            "last-column-id": 1002,
          },
          { action: "set-current-schema", "schema-id": -1 },
        ],
      });
      const { metadata } = (await fixture.open().load(contractTable))!;
      expect(metadata.properties).toMatchObject({ b: "2" });
      expect(metadata.properties).not.toHaveProperty("a");
      expect(metadata.snapshots?.map((snapshot) => snapshot["snapshot-id"])).toEqual([2]);
      expect(metadata).toMatchObject({ "current-schema-id": 1, "last-column-id": 1002 });
    });

    it("loses nothing of eight racing writers, and shows each its own commit", async () => {
      await createTable();
      const writer = async (name: string): Promise<void> => {
        const client = fixture.open();
        for (let done = 0; done < 5; ) {
          const head = await client.load(contractTable);
          const count = Number(head?.metadata.properties?.total ?? "0");
          const snapshot = head?.metadata.refs?.main?.["snapshot-id"] ?? null;
          const id = Number(head?.metadata["last-sequence-number"]) + 1;
          try {
            const { metadata } = await client.commit(contractTable, {
              requirements: [{ type: "assert-ref-snapshot-id", ref: "main", "snapshot-id": snapshot }],
              updates: [
                ...snapshotUpdates(id, id, fixture.location(contractTable)),
                { action: "set-properties", updates: { total: String(count + 1), [name]: String(done + 1) } },
              ],
            });
            done++;
            expect(metadata.properties?.[name]).toBe(String(done));
          } catch (error) {
            expect(error).toMatchObject({ code: "commit-conflict" });
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, (_, i) => writer(`writer-${i}`)));
      const { metadata } = (await fixture.open().load(contractTable))!;
      expect(metadata.properties?.total).toBe("40");
      expect(metadata.snapshots).toHaveLength(40);
      for (let i = 0; i < 8; i++) expect(metadata.properties?.[`writer-${i}`]).toBe("5");
    });
  });
}

const FIELDS = [
  { id: 1, name: "a", required: true, type: "timestamptz" },
  { id: 1001, name: "b", required: false, type: "string" },
] as const;

function creation(location: string): TableUpdate[] {
  return [
    { action: "assign-uuid", uuid: "6d0a9d3c-5a0e-4f6f-9c39-6f3f5a3f0c11" },
    { action: "upgrade-format-version", "format-version": 2 },
    {
      action: "add-schema",
      schema: { type: "struct", "schema-id": 0, fields: FIELDS },
      "last-column-id": 1001,
    },
    { action: "set-current-schema", "schema-id": -1 },
    {
      action: "add-spec",
      spec: {
        "spec-id": 0,
        fields: [{ name: "a_day", transform: "day", "source-id": 1, "field-id": 1000 }],
      },
    },
    { action: "set-default-spec", "spec-id": -1 },
    { action: "add-sort-order", "sort-order": { "order-id": 0, fields: [] } },
    { action: "set-default-sort-order", "sort-order-id": -1 },
    { action: "set-location", location },
  ];
}

/** A snapshot of no files; catalogs do not read manifest lists. */
function snapshotUpdates(
  id: number | bigint,
  sequence: number,
  location: string,
  { branch = "main", parent }: { readonly branch?: string; readonly parent?: number } = {},
): TableUpdate[] {
  return [
    {
      action: "add-snapshot",
      snapshot: {
        "snapshot-id": id,
        ...(parent === undefined ? {} : { "parent-snapshot-id": parent }),
        "sequence-number": sequence,
        // Java refuses a snapshot that is older than the table's last change.
        "timestamp-ms": Date.now(),
        "manifest-list": `${location}/metadata/snap-${id}.avro`,
        summary: { operation: "append" },
        "schema-id": 0,
      },
    },
    { action: "set-snapshot-ref", "ref-name": branch, type: "branch", "snapshot-id": id },
  ];
}
