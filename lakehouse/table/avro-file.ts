import { randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync, zstdDecompressSync } from "node:zlib";
import avro, { type Type } from "avsc";
import { MillraceError } from "../../schema/index.ts";

/**
 * Avro object container files (https://avro.apache.org/docs/1.12.0/specification/#object-container-files),
 * whole in memory: manifests are small, and an object store takes them in one put.
 */
const MAGIC = Buffer.from("Obj\u0001", "latin1");
const SYNC_BYTES = 16;

const LONG_BYTES_MAX = 10;

/** Avro longs as bigint, so that the 64-bit ids of other engines survive. */
export const bigintLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

const headerType = avro.Type.forSchema({ type: "map", values: "bytes" });

/** The types made last, by their schema: to make one compiles code, and a lake has few schemas. */
const types = new Map<string, Type>();
const TYPES_MAX = 64;

/** An Avro type whose longs are bigints. `schema` is an Avro schema; unknown attributes are kept out. */
export function avroType(schema: unknown): Type {
  const text = JSON.stringify(schema);
  const known = types.get(text);
  if (known !== undefined) return known;
  const type = avro.Type.forSchema(schema as avro.Schema, {
    registry: { long: bigintLong },
    noAnonymousTypes: false,
  });
  if (types.size >= TYPES_MAX) types.delete(types.keys().next().value as string);
  types.set(text, type);
  return type;
}

/** One container file with one deflated block. `schema` goes into the header as it is. */
export function encodeAvroFile(
  schema: unknown,
  type: Type,
  rows: readonly unknown[],
  header: Readonly<Record<string, string>>,
): Buffer {
  const metadata: Record<string, Buffer> = {
    "avro.schema": Buffer.from(JSON.stringify(schema)),
    "avro.codec": Buffer.from("deflate"),
  };
  for (const [key, value] of Object.entries(header)) metadata[key] = Buffer.from(value);
  const sync = randomBytes(SYNC_BYTES);
  const parts = [MAGIC, headerType.toBuffer(metadata), sync];
  if (rows.length > 0) {
    const block = deflateRawSync(Buffer.concat(rows.map((row) => type.toBuffer(row))));
    parts.push(varint(rows.length), varint(block.length), block, sync);
  }
  return Buffer.concat(parts);
}

/**
 * Decodes a container file. `adapt` may rename the fields of the writer's schema before it is used.
 * Throws `lake-file-corrupt`.
 */
export function decodeAvroFile(
  bytes: Uint8Array,
  name: string,
  adapt: (schema: unknown) => unknown = (schema) => schema,
): { readonly rows: unknown[]; readonly header: ReadonlyMap<string, string> } {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), adapt);
  } catch (error) {
    throw new MillraceError(`${name} is no readable Avro file: ${(error as Error).message}`, {
      code: "lake-file-corrupt",
      origin: "external",
      cause: error,
    });
  }
}

function decode(
  bytes: Buffer,
  adapt: (schema: unknown) => unknown,
): { rows: unknown[]; header: Map<string, string> } {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("the magic bytes are missing");
  const { value, offset } = headerType.decode(bytes, MAGIC.length) as {
    value: Record<string, Buffer>;
    offset: number;
  };
  if (offset < 0) throw new Error("the header is cut off");
  const header = new Map(Object.entries(value).map(([key, text]) => [key, text.toString("utf8")]));
  const type = avroType(adapt(JSON.parse(header.get("avro.schema") ?? "")));
  const codec = header.get("avro.codec") ?? "null";
  const rows: unknown[] = [];
  let position = offset + SYNC_BYTES;
  while (position < bytes.length) {
    const count = readVarint(bytes, position);
    const size = readVarint(bytes, count.end);
    const end = size.end + size.value;
    if (end + SYNC_BYTES > bytes.length) throw new Error("a block is cut off");
    const block = decompress(bytes.subarray(size.end, end), codec);
    let at = 0;
    for (let i = 0; i < count.value; i++) {
      const row = type.decode(block, at);
      if (row.offset < 0) throw new Error("a record is cut off");
      rows.push(row.value);
      at = row.offset;
    }
    position = end + SYNC_BYTES;
  }
  return { rows, header };
}

function decompress(block: Buffer, codec: string): Buffer {
  switch (codec) {
    case "null":
      return block;
    case "deflate":
      return inflateRawSync(block);
    case "zstandard":
      return zstdDecompressSync(block);
    default:
      throw new Error(`compression codec ${codec} is not supported`);
  }
}

/** Zigzag variable-length integer; counts and sizes are never negative here. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function readVarint(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let zigzag = 0;
  let scale = 1;
  for (let at = start; at < start + LONG_BYTES_MAX && at < bytes.length; at++) {
    zigzag += (bytes[at] & 127) * scale;
    if (bytes[at] < 128) {
      if (zigzag % 2 !== 0) throw new Error("a block has a negative size");
      return { value: zigzag / 2, end: at + 1 };
    }
    scale *= 128;
  }
  throw new Error("a block size is cut off");
}
