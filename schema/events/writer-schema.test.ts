import avro from "avsc";
import { describe, expect, test } from "vitest";
import { columnValue } from "../columns/index.ts";
import { avroSchemaOf } from "./avro-schema.ts";
import { createDecoder } from "./decoder/create-decoder.ts";
import { recordBatch, rows } from "./decoder/test-records.ts";
import { encodeAvro } from "./encode.ts";
import { customerEventContract, inventoryUpdateContract } from "./generated/index.ts";
import { parseWriterSchema, type WriterSchema, type WriterSchemas, writerSchemaOf } from "./writer-schema.ts";

const ID = 0x01_00_00_07;
/** Every field, as the contract's decoder gives it. */
const update = {
  eventId: "e1",
  productId: "p1",
  updateTime: 1_000_000,
  warehouseId: "w1",
  kind: "delta",
  quantity: -3,
  reason: "sale",
  reorderPoint: null,
} as const;

interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

const own = avroSchemaOf(inventoryUpdateContract) as { name: string; fields: AvroField[] };

/** A record of another writer, in the wire format. */
function written(schema: object, value: unknown, id = ID): Uint8Array {
  const body = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: false }).toBuffer(value);
  const record = new Uint8Array(5 + body.length);
  new DataView(record.buffer).setInt32(1, id);
  record.set(body, 5);
  return record;
}

function decode(schemas: WriterSchemas, record: Uint8Array) {
  const decoder = createDecoder(inventoryUpdateContract, { schemas });
  const batch = decoder.decode(recordBatch([record]), 0, 1);
  return {
    rows: rows(batch),
    extra: batch.length === 0 ? null : columnValue(batch.extra, 0),
    refusals: decoder.refusals,
  };
}

const decodeAs = (schema: object, value: unknown) =>
  decode(new Map([[ID, parseWriterSchema(JSON.stringify(schema))]]), written(schema, value));

describe("a writer's schema from a registry", () => {
  test("our own contract, registered, reads as the contract itself does", () => {
    const registered = parseWriterSchema(JSON.stringify(avroSchemaOf(customerEventContract)));
    const contract = writerSchemaOf(customerEventContract);
    expect(registered.contract).toBe(contract.contract);
    expect(registered.fields.map(({ name, symbols, nullBranch }) => ({ name, symbols, nullBranch }))).toEqual(
      contract.fields.map(({ name, symbols, nullBranch }) => ({ name, symbols, nullBranch })),
    );
  });

  test("is resolved by name: other order, null as second branch, a promoted number, another namespace", () => {
    const fields = [...own.fields].reverse().map((field) => {
      if (Array.isArray(field.type)) return { name: field.name, type: [...field.type].reverse() };
      return field.name === "updateTime" ? { ...field, type: "int" } : field;
    });
    const schema = { ...own, namespace: "shop.backend", fields };
    const { rows: made, refusals } = decodeAs(schema, update);
    expect(refusals).toEqual([]);
    expect(made[0]).toMatchObject(update);
  });

  test("a newer version's fields of any type are kept as extra members", () => {
    const added: AvroField[] = [
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "stock", type: { type: "map", values: "float" } },
      { name: "origin", type: { type: "record", name: "Origin", fields: [{ name: "plant", type: "int" }] } },
      { name: "weight", type: "float" },
      { name: "mixed", type: ["null", "string", "long"] },
    ];
    const [first, ...rest] = own.fields;
    const schema = { ...own, fields: [first, ...added, ...rest] };
    const value = { tags: ["a", "b"], stock: { x: 0.5 }, origin: { plant: 3 }, weight: 1.5, mixed: "m" };
    const { rows: made, extra, refusals } = decodeAs(schema, { ...update, ...value });
    expect(refusals).toEqual([]);
    expect(made[0]).toMatchObject(update);
    expect(JSON.parse(String(extra))).toEqual({ ...value, mixed: { string: "m" } });
  });

  test("that cannot be read is a refusal that names id, field and types", () => {
    const fields = own.fields.map((field) =>
      field.name === "productId" ? { ...field, type: "bytes" } : field,
    );
    const { refusals } = decodeAs({ ...own, fields }, { ...update, productId: Buffer.from("p") });
    expect(refusals[0]).toMatchObject({
      reason: "unknown-schema",
      detail: `schema id ${ID} (millrace.events.InventoryUpdate) writes productId as bytes, which cannot be read as string`,
    });
  });

  test("may allow null where the contract does not: such a record is a refusal, others are read", () => {
    const fields = own.fields.map((field) =>
      field.name === "productId" ? { ...field, type: ["null", "string"] } : field,
    );
    expect(decodeAs({ ...own, fields }, update).rows[0]).toMatchObject(update);
    const { rows: made, refusals } = decodeAs({ ...own, fields }, { ...update, productId: null });
    expect(made).toEqual([]);
    expect(refusals[0]).toMatchObject({
      ...{ reason: "missing-field", field: "productId" },
      detail: "required, but null",
    });
  });

  test("of another record is a refusal that says which", () => {
    const { refusals } = decodeAs({ type: "record", name: "shop.Visit", fields: [] }, {});
    expect(refusals[0]).toMatchObject({
      reason: "unknown-schema",
      detail: `schema id ${ID} is shop.Visit, not inventory-update`,
    });
  });

  test.each([
    ["absent", undefined],
    ["not known to the registry", null],
  ])("that is %s is a refusal with the id, until it is known", (_, known) => {
    const schemas = new Map<number, WriterSchema | null>();
    if (known !== undefined) schemas.set(ID, known);
    const record = encodeAvro(inventoryUpdateContract, update, ID);
    const decoder = createDecoder(inventoryUpdateContract, { schemas });
    decoder.decode(recordBatch([record]), 0, 1);
    expect(decoder.refusals[0]).toMatchObject({
      reason: "unknown-schema",
      detail: `schema id ${ID} is not known`,
    });
    schemas.set(ID, writerSchemaOf(inventoryUpdateContract));
    expect(rows(decoder.decode(recordBatch([record]), 0, 1))[0]).toMatchObject(update);
  });

  test("a cut value of such a field is a refusal, at every length", () => {
    const schema = {
      ...own,
      fields: [...own.fields, { name: "tags", type: { type: "array", items: "string" } }],
    };
    const schemas = new Map([[ID, parseWriterSchema(JSON.stringify(schema))]]);
    const record = written(schema, { ...update, tags: ["one", "two"] });
    for (let length = 0; length < record.length; length++) {
      expect(decode(schemas, record.slice(0, length)).refusals).toHaveLength(1);
    }
  });
});
