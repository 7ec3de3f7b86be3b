import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LakeColumn, type TableSpec, tableName } from "../../schema/index.ts";
import { createLakePublisher, ensureTables } from "./index.ts";
import { icebergSchema } from "./schema.ts";
import { currentSchema, type SchemaField } from "./table-metadata.ts";
import { createTestLake, PROBE, probeTable, runPython, type TestLake } from "./testing/test-lake.ts";

const PYICEBERG_SMALL = `
import sys, json
from pyiceberg.table import StaticTable
print(json.dumps(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow().column("small").to_pylist()))
`;

describe("the schema of a table that another engine has changed", () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
  });
  afterEach(() => lake.remove());

  const schema = async (table = PROBE) => currentSchema((await lake.catalog.load(table))!.metadata);
  const withColumn = (column: LakeColumn): TableSpec => ({
    ...probeTable,
    columns: [...probeTable.columns.filter(({ id }) => id !== column.id), column],
  });

  /** As another engine commits it. */
  async function change(
    fields: (before: readonly SchemaField[]) => readonly SchemaField[],
    table = PROBE,
  ): Promise<void> {
    const before = await schema(table);
    await lake.catalog.commit(table, {
      requirements: [],
      updates: [
        { action: "add-schema", schema: { ...before, fields: fields(before.fields) } },
        { action: "set-current-schema", "schema-id": -1 },
      ],
    });
  }

  it("stays optional where that engine made it so, also when a column becomes wider", async () => {
    const column = probeTable.columns.find(({ name }) => name === "small")!;
    const spec = { ...withColumn({ ...column, required: true }), name: "strict" };
    const table = tableName(spec);
    await ensureTables([spec], lake.deps);
    const nullable = (fields: readonly SchemaField[]) =>
      fields.map((field) => (field.name === "small" ? { ...field, required: false } : field));
    await change(nullable, table);
    const file = await lake.rewriter.write(
      {
        table,
        fields: nullable(icebergSchema(spec).fields),
        key: "lake/gold/strict/data/a.parquet",
        day: 20_000,
      },
      `SELECT 1::BIGINT AS id, to_timestamp(1728000000) AS event_time, 'x' AS text, 0.5::DOUBLE AS real,
         true AS flag, NULL::INTEGER AS small`,
    );
    const { publish } = createLakePublisher({ ...lake.deps, tables: [spec] });
    await publish([{ taskId: "t", epoch: 1, files: [file] }]);
    await ensureTables(
      [{ ...spec, columns: withColumn({ ...column, required: true, type: "long" }).columns }],
      lake.deps,
    );
    const small = (await schema(table)).fields.find(({ name }) => name === "small");
    expect(small).toMatchObject({ type: "long", required: false });
    expect(await runPython(PYICEBERG_SMALL, (await lake.catalog.load(table))!.metadataLocation)).toEqual([
      null,
    ]);
  });

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
