import avro from "avsc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AvroExtent } from "./avro-extent.ts";

interface Sample {
  readonly schema: unknown;
  readonly value: fc.Arbitrary<unknown>;
}

const text = fc.string({ maxLength: 5 });
const line = {
  type: "record",
  name: "Line",
  fields: [
    { name: "sku", type: "string" },
    { name: "n", type: "long" },
  ],
};
const samples: readonly Sample[] = [
  { schema: "null", value: fc.constant(null) },
  { schema: "boolean", value: fc.boolean() },
  { schema: "long", value: fc.maxSafeInteger().filter((n) => Math.abs(n) < 2 ** 52) },
  { schema: "float", value: fc.float({ noNaN: true }) },
  { schema: "double", value: fc.double({ noNaN: true }) },
  { schema: "bytes", value: fc.uint8Array({ maxLength: 5 }).map(Buffer.from) },
  { schema: { type: "fixed", name: "Five", size: 5 }, value: fc.constant(Buffer.alloc(5, 1)) },
  { schema: { type: "enum", name: "Side", symbols: ["A", "B"] }, value: fc.constantFrom("A", "B") },
  { schema: { type: "array", items: "string" }, value: fc.array(text) },
  { schema: { type: "array", items: "null" }, value: fc.array(fc.constant(null)) },
  { schema: { type: "map", values: "long" }, value: fc.dictionary(text, fc.integer()) },
  { schema: { type: "array", items: line }, value: fc.array(fc.record({ sku: text, n: fc.integer() })) },
  {
    schema: ["null", "string", "long"],
    value: fc.oneof(
      fc.constant(null),
      text.map((string) => ({ string })),
    ),
  },
];

const typeOf = (schema: unknown) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true });

function varint(value: number): number[] {
  const bytes: number[] = [];
  let zigzag = value < 0 ? -2 * value - 1 : 2 * value;
  for (; zigzag >= 128; zigzag = Math.floor(zigzag / 128)) bytes.push((zigzag % 128) | 128);
  return [...bytes, zigzag];
}

describe("extent of an Avro value", () => {
  test.each(samples)("ends $schema where avsc does, and is damaged where it is cut", ({ schema, value }) => {
    const type = typeOf(schema);
    const extent = new AvroExtent(type);
    fc.assert(
      fc.property(value, fc.nat(4), fc.nat(4), (made, before, behind) => {
        const body = type.toBuffer(made);
        const bytes = Buffer.concat([Buffer.alloc(before, 2), body, Buffer.alloc(behind, 2)]);
        expect(extent.of(bytes, before, bytes.length)).toBe(before + body.length);
        for (let end = before; end < before + body.length; end++)
          expect(extent.of(bytes, before, end)).toBe(-1);
      }),
    );
  });

  test("takes of any bytes only what avsc takes, and makes nothing of them", () => {
    const types = samples.map(({ schema }) => typeOf(schema));
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 40 }), (type, bytes) => {
        const end = new AvroExtent(type).of(bytes, 0, bytes.length);
        if (end >= 0) expect(type.decode(Buffer.from(bytes)).offset).toBe(end);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["a billion items", { type: "array", items: "string" }, varint(1e9)],
    ["a billion items of no bytes", { type: "array", items: "null" }, [...varint(1e9), 0]],
    [
      "a billion empty records",
      { type: "array", items: { type: "record", name: "E", fields: [] } },
      [...varint(1e9), 0],
    ],
    ["blocks that add up", { type: "array", items: "null" }, [...Array(200).fill(varint(4000)).flat(), 0]],
    ["a billion entries", { type: "map", values: "null" }, varint(1e9)],
    ["two gigabytes", "bytes", varint(2e9)],
    ["a negative length", "string", varint(-5)],
    ["a branch that is none", ["null", "long"], [6, 0]],
  ])("refuses %s at once", (_, schema, bytes) => {
    expect(new AvroExtent(typeOf(schema)).of(Uint8Array.from(bytes), 0, bytes.length)).toBe(-1);
  });

  test("reads blocks with their size in bytes, and refuses endless nesting", () => {
    const sized = Uint8Array.from([...varint(-2), ...varint(4), ...varint(1), 65, ...varint(1), 66, 0]);
    expect(new AvroExtent(typeOf({ type: "array", items: "string" })).of(sized, 0, sized.length)).toBe(
      sized.length,
    );
    const tree = typeOf({ type: "record", name: "T", fields: [{ name: "next", type: ["null", "T"] }] });
    const shallow = Uint8Array.from([2, 2, 2, 0]);
    expect(new AvroExtent(tree).of(shallow, 0, shallow.length)).toBe(shallow.length);
    const deep = new Uint8Array(100_000).fill(2);
    expect(new AvroExtent(tree).of(deep, 0, deep.length)).toBe(-1);
  });
});
