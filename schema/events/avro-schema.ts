import { MillraceError } from "../errors.ts";
import type { ContractField, EventContract, FieldType } from "./contract.ts";

/** 9999-12-31T23:59:59.999Z: the last millisecond that every engine of the lake can read back. */
export const TIMESTAMP_MAX_MS = 253_402_300_799_999;
const INT_MAX = 2 ** 31 - 1;
const TEXT_BYTES_MAX = 8192;
const JSON_BYTES_MAX = 65_536;
const NAME = /^[a-z][A-Za-z0-9]*$/;

type AvroType =
  | string
  | { readonly type: string; readonly symbols?: readonly string[]; readonly logicalType?: string };

/** A field as it stands in an .avsc file; our own properties begin with `millrace.`. */
export interface AvroField {
  readonly name: string;
  readonly type: AvroType | readonly AvroType[];
  readonly doc?: string;
  readonly default?: unknown;
  readonly "millrace.json"?: boolean;
  readonly "millrace.key"?: boolean;
  readonly "millrace.min"?: number;
  readonly "millrace.max"?: number;
  readonly "millrace.maxBytes"?: number;
}

/** An .avsc file of `schema/events`. */
export interface AvroRecordSchema {
  readonly type: "record";
  readonly name: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly "millrace.contract": string;
  readonly "millrace.version": number;
  /** Position in {@link contractVersions}, from 1: the id in the Confluent wire format. */
  readonly "millrace.schemaId": number;
  readonly "millrace.topic": string;
  readonly "millrace.idField": string;
  readonly "millrace.timeField": string;
  readonly "millrace.keyField": string;
  readonly fields: readonly AvroField[];
}

function invalid(schema: string, message: string): MillraceError {
  return new MillraceError(`Event contract ${schema}: ${message}`, {
    code: "invalid-contract",
    origin: "user",
  });
}

/** Reads a contract from its Avro schema; throws `invalid-contract` on what decoders cannot take. */
export function contractFromAvro(schema: AvroRecordSchema): EventContract {
  const name = `${schema["millrace.contract"]}.v${schema["millrace.version"]}`;
  const contract: EventContract = {
    name: schema["millrace.contract"],
    topic: schema["millrace.topic"],
    version: schema["millrace.version"],
    doc: schema.doc ?? "",
    idField: schema["millrace.idField"],
    timeField: schema["millrace.timeField"],
    keyField: schema["millrace.keyField"],
    fields: schema.fields.map((field) => fieldFromAvro(name, field)),
  };
  checkRoles(name, contract);
  return contract;
}

function checkRoles(name: string, contract: EventContract): void {
  if (new Set(contract.fields.map((field) => field.name)).size !== contract.fields.length) {
    throw invalid(name, "two fields have one name");
  }
  const roles = { idField: "string", timeField: "timestamp", keyField: "string" } as const;
  for (const role of ["idField", "timeField", "keyField"] as const) {
    const field = contract.fields.find((candidate) => candidate.name === contract[role]);
    if (field === undefined || field.type !== roles[role] || field.nullable) {
      throw invalid(name, `${role} must name a required ${roles[role]} field, not ${contract[role]}`);
    }
  }
}

function fieldFromAvro(schema: string, field: AvroField): ContractField {
  const where = `${schema}, field ${field.name}`;
  if (!NAME.test(field.name)) throw invalid(where, "names are camelCase ASCII");
  if ((field.doc ?? "") === "") throw invalid(where, "has no doc");
  const { type: avroType, nullable } = withoutNull(where, field);
  const type = fieldType(where, avroType, field["millrace.json"] === true);
  const symbols = type === "enum" ? (avroType as { readonly symbols: readonly string[] }).symbols : null;
  if (symbols !== null && symbols.length > 254) throw invalid(where, "an enum has at most 254 symbols");
  const key = field["millrace.key"] === true;
  if (key && type !== "string") throw invalid(where, "only a string can be a key");
  return {
    name: field.name,
    column: field.name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    type,
    nullable,
    key,
    symbols,
    ...bounds(type, field),
    doc: field.doc ?? "",
  };
}

function withoutNull(where: string, field: AvroField): { type: AvroType; nullable: boolean } {
  if (!Array.isArray(field.type)) return { type: field.type as AvroType, nullable: false };
  const [first, second, ...more] = field.type as AvroType[];
  if (first !== "null" || second === undefined || more.length > 0 || field.default !== null) {
    throw invalid(where, 'a union is ["null", X] with default null');
  }
  return { type: second, nullable: true };
}

function fieldType(where: string, type: AvroType, json: boolean): FieldType {
  const base = typeof type === "string" ? type : type.type;
  const logical = typeof type === "string" ? undefined : type.logicalType;
  if (base === "long" && logical === "timestamp-millis") return "timestamp";
  if (logical !== undefined) throw invalid(where, `logical type ${String(logical)} is not known`);
  if (base === "string") return json ? "json" : "string";
  if (base === "enum" || base === "int" || base === "long" || base === "double" || base === "boolean") {
    return base;
  }
  throw invalid(where, `type ${base} is not known`);
}

function bounds(type: FieldType, field: AvroField): Pick<ContractField, "min" | "max" | "maxBytes"> {
  const [lowest, highest] = DEFAULT_BOUNDS[type] ?? [null, null];
  const bytes = type === "json" ? JSON_BYTES_MAX : type === "string" ? TEXT_BYTES_MAX : null;
  return {
    min: field["millrace.min"] ?? lowest,
    max: field["millrace.max"] ?? highest,
    maxBytes: field["millrace.maxBytes"] ?? bytes,
  };
}

const DEFAULT_BOUNDS: Partial<Record<FieldType, readonly [number, number]>> = {
  int: [-INT_MAX - 1, INT_MAX],
  long: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  timestamp: [0, TIMESTAMP_MAX_MS],
};

/** `customer-event` → `CustomerEvent`, `eventType` → `EventType`. */
export function typeName(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The plain Avro schema of a contract: what encoders and a schema registry need, without our properties. */
export function avroSchemaOf(contract: EventContract): Record<string, unknown> {
  return {
    type: "record",
    name: typeName(contract.name),
    namespace: "millrace.events",
    doc: contract.doc,
    fields: contract.fields.map((field) => {
      const type = avroTypeOf(contract, field);
      const common = { name: field.name, doc: field.doc };
      return field.nullable ? { ...common, type: ["null", type], default: null } : { ...common, type };
    }),
  };
}

function avroTypeOf(contract: EventContract, field: ContractField): unknown {
  switch (field.type) {
    case "timestamp":
      return { type: "long", logicalType: "timestamp-millis" };
    case "enum":
      return { type: "enum", name: typeName(contract.name) + typeName(field.name), symbols: field.symbols };
    case "json":
      return "string";
    default:
      return field.type;
  }
}
