import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LakeColumn, TableSpec } from "../../schema/index.ts";
import { ensureTables } from "./index.ts";
import { currentSchema, type SchemaField } from "./table-metadata.ts";
import { createTestLake, PROBE, probeTable, type TestLake } from "./testing/test-lake.ts";

describe("the schema of a table that another engine has changed", () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
  });
  afterEach(() => lake.remove());

  const schema = async () => currentSchema((await lake.catalog.load(PROBE))!.metadata);
  const withColumn = (column: LakeColumn): TableSpec => ({
    ...probeTable,
    columns: [...probeTable.columns.filter(({ id }) => id !== column.id), column],
  });

  /** As another engine commits it. */
  async function change(fields: (before: readonly SchemaField[]) => readonly SchemaField[]): Promise<void> {
    const before = await schema();
    await lake.catalog.commit(PROBE, {
      requirements: [],
      updates: [
        { action: "add-schema", schema: { ...before, fields: fields(before.fields) } },
        { action: "set-current-schema", "schema-id": -1 },
      ],
    });
  }

  it.each(["coupon", "Coupon"])(
    "gets no second column of a name (%s), and the error says what to do",
    async (name) => {
      await change((before) => [...before, { id: 10_000, name, required: false, type: "string" }]);
      const spec = withColumn({ id: 7, name: "coupon", type: "string", required: false, doc: "A coupon." });
      await expect(ensureTables([spec], lake.deps)).rejects.toMatchObject({
        code: "schema-incompatible",
        origin: "user",
        message: expect.stringContaining(`ALTER TABLE gold.probe RENAME COLUMN "${name}" TO "coupon_2"`),
      });
      expect((await schema()).fields.map((field) => field.name)).toContain(name);
      await change((before) =>
        before.map((field) => (field.id === 10_000 ? { ...field, name: "coupon_2" } : field)),
      );
      await ensureTables([spec], lake.deps);
      expect((await schema()).fields.map((field) => [field.id, field.name]).slice(-2)).toEqual([
        [7, "coupon"],
        [10_000, "coupon_2"],
      ]);
    },
  );
});
