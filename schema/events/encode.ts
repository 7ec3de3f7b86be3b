import avro from "avsc";
import { avroSchemaOf } from "./avro-schema.ts";
import type { EventContract } from "./contract.ts";
import { HEADER_BYTES } from "./decoder/wire-format.ts";
import { contractVersions, type EventByContract } from "./generated/index.ts";

type EventOf<C extends EventContract> = C extends { readonly name: infer N extends keyof EventByContract }
  ? EventByContract[N]
  : Readonly<Record<string, unknown>>;

const utf8 = new TextEncoder();
const types = new WeakMap<EventContract, avro.Type>();

/** Exact for every safe integer, and refuses others: avsc's own gives those below -2^52 another sign. */
const long = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = Number(bytes.readBigInt64LE());
    if (!Number.isSafeInteger(value)) throw new Error(`potential precision loss: ${value}`);
    return value;
  },
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: Number.isSafeInteger,
  compare: (a: number, b: number) => a - b,
});

/** The event as a JSON record, members in the contract's order, absent and null ones left out. */
export function encodeJson<C extends EventContract>(contract: C, event: EventOf<C>): Uint8Array {
  const members: Record<string, unknown> = {};
  const values = event as Readonly<Record<string, unknown>>;
  for (const { name } of contract.fields) {
    const value = values[name];
    if (value !== undefined && value !== null) members[name] = value;
  }
  return utf8.encode(JSON.stringify({ ...members, ...unknownMembers(contract, values) }));
}

function unknownMembers(
  contract: EventContract,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const known = new Set(contract.fields.map((field) => field.name));
  return Object.fromEntries(Object.entries(values).filter(([name]) => !known.has(name)));
}

/**
 * The event as an Avro record in the Confluent wire format. `schemaId` defaults to the contract's
 * place among the published versions. Members that the contract does not know are lost. Throws
 * where the event does not fit the schema.
 */
export function encodeAvro<C extends EventContract>(
  contract: C,
  event: EventOf<C>,
  schemaId: number = contractVersions.indexOf(contract) + 1,
): Uint8Array {
  const values = event as Readonly<Record<string, unknown>>;
  const record: Record<string, unknown> = {};
  for (const field of contract.fields) {
    const value = values[field.name] ?? null;
    record[field.name] = field.type === "json" && value !== null ? JSON.stringify(value) : value;
  }
  const body = avroType(contract).toBuffer(record);
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(bytes.buffer).setInt32(1, schemaId);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The avsc type of a contract; unions are not wrapped, so a nullable value stands as itself. */
export function avroType(contract: EventContract): avro.Type {
  let type = types.get(contract);
  if (type === undefined) {
    const schema = avroSchemaOf(contract) as unknown as avro.Schema;
    type = avro.Type.forSchema(schema, { wrapUnions: false, registry: { long } });
    types.set(contract, type);
  }
  return type;
}
