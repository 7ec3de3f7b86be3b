import avro from "avsc";
import { AvroExtent } from "./avro-extent.ts";
import { typeName } from "./avro-schema.ts";
import type { EventContract, FieldType } from "./contract.ts";
import { contracts, contractVersions } from "./generated/index.ts";

/** One field of a writer's schema, in the order in which it is written. */
export type WriterField = WriterFieldBase &
  (
    | {
        readonly type: FieldType | "float";
        /** Of the type `enum`. */
        readonly symbols: readonly string[] | null;
        /** Place of null in the union of two, or null where the field always has a value. */
        readonly nullBranch: 0 | 1 | null;
      }
    | {
        /** A type that contracts do not have: an array, a map, a union of three… */
        readonly type: null;
        readonly symbols: null;
        readonly nullBranch: null;
        readonly other: OtherType;
      }
  );

interface WriterFieldBase {
  readonly name: string;
}

/** Reads values that no column takes. */
export interface OtherType {
  /** Avro's name of the type. */
  readonly name: string;
  /** The value that begins at a byte, in Avro's JSON encoding, and the byte after it; null where it is cut or damaged. */
  jsonAt(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): { readonly json: string; readonly end: number } | null;
}

/** What the writer of an Avro record said that it is. */
export interface WriterSchema {
  /** For people: `order version 1`, or a record's full name. */
  readonly title: string;
  /** Name of the contract whose events it holds, or null where it is none of ours. */
  readonly contract: string | null;
  readonly fields: readonly WriterField[];
}

/** By schema id of the wire format; null for an id that a registry was asked for and does not know. */
export type WriterSchemas = ReadonlyMap<number, WriterSchema | null>;

/** The contract as a writer's schema. */
export function writerSchemaOf(contract: EventContract): WriterSchema {
  return {
    title: `${contract.name} version ${contract.version}`,
    contract: contract.name,
    fields: contract.fields.map(({ name, type, nullable, symbols }) => ({
      name,
      type,
      symbols,
      nullBranch: nullable ? 0 : null,
    })),
  };
}

/** Schema ids 1, 2, 3, … for the contracts, in their order. */
export function numberedSchemas(versions: readonly EventContract[]): WriterSchemas {
  return new Map(versions.map((contract, index) => [index + 1, writerSchemaOf(contract)]));
}

/** The schema ids that hold where no registry gives others. */
export const ownSchemas: WriterSchemas = numberedSchemas(contractVersions);

/**
 * The schema of an Avro text as a registry keeps it. Its contract is told by the record's name, the
 * namespace apart, as Avro's resolution does. Throws where the text is no Avro schema.
 */
export function parseWriterSchema(text: string): WriterSchema {
  const schema: unknown = JSON.parse(text);
  // Branches are told by place, which is what bytes hold; logical types are left aside.
  const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true, logicalTypes: {} });
  if (!avro.Type.isType(type, "record")) {
    return { title: `of type ${type.typeName}`, contract: null, fields: [] };
  }
  const { name = "a record without a name", fields } = type as avro.types.RecordType;
  const simple = name.slice(name.lastIndexOf(".") + 1);
  const contract = contracts.find((candidate) => typeName(candidate.name) === simple);
  return {
    title: name,
    contract: contract?.name ?? null,
    fields: fields.map((field) => writerField(field.name, field.type)),
  };
}

const SIMPLE: ReadonlySet<string> = new Set(["string", "int", "long", "float", "double", "boolean", "enum"]);

function writerField(name: string, type: avro.Type): WriterField {
  const branches = avro.Type.isType(type, "union") ? (type as avro.types.WrappedUnionType).types : [type];
  const nullBranch = branches.findIndex((branch) => branch.typeName === "null");
  const value = branches.length === 2 && nullBranch >= 0 ? branches[1 - nullBranch] : type;
  if (!SIMPLE.has(value.typeName)) {
    return { name, type: null, symbols: null, nullBranch: null, other: otherType(type) };
  }
  return {
    name,
    type: value.typeName as "string",
    symbols: value.typeName === "enum" ? (value as avro.types.EnumType).symbols : null,
    nullBranch: value === type ? null : (nullBranch as 0 | 1),
  };
}

function otherType(type: avro.Type): OtherType {
  const extent = new AvroExtent(type);
  return {
    name: type.typeName,
    jsonAt(bytes, start, end) {
      const valueEnd = extent.of(bytes, start, end);
      if (valueEnd < 0) return null;
      try {
        const value = type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset + start, valueEnd - start));
        return { json: type.toString(value), end: valueEnd };
      } catch {
        return null;
      }
    },
  };
}
