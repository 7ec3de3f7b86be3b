import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tableName } from "../../schema/index.ts";
import { ensureTables } from "./index.ts";
import { RESERVED_COLUMN_ID } from "./schema.ts";
import { currentSchema } from "./table-metadata.ts";
import { createOlderTable } from "./testing/older-table.ts";
import { createTestLake, probeTable, type TestLake } from "./testing/test-lake.ts";

describe("tables of an older version", () => {
  const spec = { ...probeTable, name: "older" };
  const table = tableName(spec);
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
    await createOlderTable(spec, lake);
  });
  afterEach(() => lake.remove());

  const metadataOf = async () => (await lake.catalog.load(table))!.metadata;

  it("keep their columns, and get ids reserved for new ones, once", async () => {
    const before = currentSchema(await metadataOf());
    await ensureTables([spec], lake.deps);
    const metadata = await metadataOf();
    expect(currentSchema(metadata)).toEqual(before);
    expect(metadata["last-column-id"]).toBe(RESERVED_COLUMN_ID);
    await ensureTables([spec], lake.deps);
    expect(await metadataOf()).toEqual(metadata);
  });

  it("get the bounds of their metadata history, where nobody has set others", async () => {
    const set = { "write.metadata.previous-versions-max": "7" };
    await lake.catalog.commit(table, {
      requirements: [],
      updates: [{ action: "set-properties", updates: set }],
    });
    await ensureTables([spec], lake.deps);
    const { properties } = await metadataOf();
    expect(properties).toEqual({ ...set, "write.metadata.delete-after-commit.enabled": "true" });
    expect((await lake.catalog.load(tableName(probeTable)))?.metadata.properties).toMatchObject({
      "write.metadata.delete-after-commit.enabled": "true",
      "write.metadata.previous-versions-max": "100",
    });
  });

  it("get a new column and the reservation in one commit", async () => {
    const extra = { id: 7, name: "extra", type: "string", required: false, doc: "New." } as const;
    await ensureTables([{ ...spec, columns: [...spec.columns, extra] }], lake.deps);
    const metadata = await metadataOf();
    expect(currentSchema(metadata).fields.at(-1)).toEqual(extra);
    expect(metadata["last-column-id"]).toBe(RESERVED_COLUMN_ID);
  });
});
