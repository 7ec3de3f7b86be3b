import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type AvroRecordSchema, avroSchemaOf, contractFromAvro } from "./avro-schema.ts";
import { compatibilityProblems, publishedProblems } from "./compatibility.ts";
import type { ContractField, EventContract } from "./contract.ts";
import { contractByTopic } from "./contracts.ts";
import { readSchemas, staleFiles } from "./generate.ts";
import { contracts, contractVersions, customerEventContract } from "./generated/index.ts";
import { renderContracts } from "./render.ts";

const schemas = readSchemas();
const published = readSchemas(join(import.meta.dirname, "published"));

function idOf(schema: AvroRecordSchema): string {
  return `${schema["millrace.contract"]}.v${schema["millrace.version"]}`;
}

function withField(contract: EventContract, name: string, change: Partial<ContractField>): EventContract {
  const fields = contract.fields.map((field) => (field.name === name ? { ...field, ...change } : field));
  return { ...contract, fields };
}

describe("event contracts", () => {
  test("the generated files are what the .avsc files say", () => {
    expect(staleFiles(renderContracts(schemas))).toEqual([]);
  });

  test("every version is published, and every published version is still there", () => {
    expect(schemas.map(idOf)).toEqual(published.map(idOf));
  });

  test.each(published)("the published form of $name is unbroken", (schema) => {
    const current = schemas.find((candidate) => idOf(candidate) === idOf(schema));
    expect(current?.["millrace.schemaId"]).toBe(schema["millrace.schemaId"]);
    expect(publishedProblems(contractFromAvro(schema), contractFromAvro(current!))).toEqual([]);
  });

  test("every newer version reads all older ones of its contract", () => {
    for (const newer of contractVersions) {
      const older = contractVersions.filter((c) => c.name === newer.name && c.version < newer.version);
      for (const version of older) expect(compatibilityProblems(version, newer)).toEqual([]);
    }
  });

  test("the Avro schema made from a contract is the file's, our own properties aside", () => {
    for (const [index, schema] of schemas.entries()) {
      const plain = JSON.parse(
        JSON.stringify(schema, (key, value) => (key.startsWith("millrace.") ? undefined : value)),
      );
      expect(avroSchemaOf(contractVersions[index])).toEqual(plain);
    }
  });

  test("each topic has one contract, whose columns are snake case", () => {
    expect(new Set(contracts.map((contract) => contract.topic)).size).toBe(contracts.length);
    expect(contractByTopic("customer-events")).toBe(customerEventContract);
    expect(contractByTopic("no-topic")).toBeNull();
    for (const field of contracts.flatMap((contract) => contract.fields))
      expect(field.column).toMatch(/^[a-z_]+$/);
  });
});

describe("compatibility check", () => {
  const v1 = customerEventContract;
  const added = (change: Partial<ContractField>): EventContract => ({
    ...v1,
    fields: [...v1.fields, { ...v1.fields[4], name: "campaign", column: "campaign", ...change }],
  });

  test.each<[string, EventContract]>([
    ["a new nullable field", added({})],
    ["a new symbol", withField(v1, "eventType", { symbols: [...v1.fields[1].symbols!, "share"] })],
    ["int to long", withField(v1, "quantity", { type: "long", max: Number.MAX_SAFE_INTEGER })],
    ["wider bounds", withField(v1, "userId", { maxBytes: 512 })],
    ["required to nullable", withField(v1, "userId", { nullable: true })],
    ["other docs", withField(v1, "userId", { doc: "Who." })],
  ])("allows %s", (_, newer) => {
    expect(compatibilityProblems(v1, newer)).toEqual([]);
  });

  test.each<[string, EventContract]>([
    ["a new required field", added({ nullable: false })],
    ["nullable to required", withField(v1, "sessionId", { nullable: false })],
    ["another type", withField(v1, "priceMinor", { type: "string" })],
    ["long to int", withField(v1, "priceMinor", { type: "int" })],
    ["a removed symbol", withField(v1, "eventType", { symbols: v1.fields[1].symbols!.slice(1) })],
    ["a higher minimum", withField(v1, "quantity", { min: 2 })],
    ["a lower maximum", withField(v1, "quantity", { max: 10 })],
    ["shorter text", withField(v1, "userId", { maxBytes: 64 })],
    ["another topic", { ...v1, topic: "events" }],
    ["another key", { ...v1, keyField: "eventId" }],
    ["a dropped last field", { ...v1, fields: v1.fields.slice(0, -1) }],
    ["a number that Iceberg does not promote", withField(v1, "quantity", { type: "double" })],
  ])("refuses %s, also as an edit of a published version", (_, newer) => {
    expect(compatibilityProblems(v1, newer)).toHaveLength(1);
    expect(publishedProblems(v1, newer).length).toBeGreaterThan(0);
  });

  test.each<[string, EventContract]>([
    ["a dropped field", { ...v1, fields: v1.fields.filter(({ name }) => name !== "referrer") }],
    ["a new field before others", { ...v1, fields: [{ ...v1.fields[4], name: "campaign" }, ...v1.fields] }],
    ["another order of fields", { ...v1, fields: [...v1.fields].reverse() }],
  ])("refuses %s, since bronze's columns are known by their places", (_, newer) => {
    expect(compatibilityProblems(v1, newer).join("\n")).toMatch(/at the end|is gone/);
  });

  test.each<[string, EventContract]>([
    ["a new nullable field", added({})],
    ["another order of fields", { ...v1, fields: [...v1.fields].reverse() }],
    ["a new symbol", withField(v1, "eventType", { symbols: [...v1.fields[1].symbols!, "share"] })],
  ])("refuses %s as an edit of a published version: its schema id names one wire form", (_, edited) => {
    expect(publishedProblems(v1, edited).length).toBeGreaterThan(0);
  });
});

describe("contract reader", () => {
  const base = schemas[0];
  const field = { name: "x", type: "string", doc: "A field." } as const;
  const reading = (changed: object) => () =>
    contractFromAvro({ ...base, fields: [...base.fields, { ...field, ...changed }] });

  test.each([
    ["an unknown type", { type: "bytes" }, "bytes"],
    [
      "an unknown logical type",
      { type: { type: "long", logicalType: "timestamp-micros" } },
      "timestamp-micros",
    ],
    ["a union that is not nullable X", { type: ["string", "null"], default: null }, "default null"],
    ["a missing doc", { doc: "" }, "doc"],
    ["a key that is no string", { type: "long", "millrace.key": true }, "key"],
    ["a name twice", { name: "eventId" }, "one name"],
    ["a name that is not camel case", { name: "X" }, "camelCase"],
  ])("refuses %s", (_, change, message) => {
    expect(reading(change)).toThrow(message);
  });
});
