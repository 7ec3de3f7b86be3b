import type { AppendBatch } from "../../ports/event-log.ts";
import {
  BATCH_CHECKED_FROM,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  MAGIC,
  TRANSACTIONAL,
} from "./batch-header.ts";
import { CODECS, compress, type ProduceCodec } from "./codecs.ts";
import { END_OF_INPUT_HEADERS } from "./control-header.ts";
import { crc32c } from "./crc32c.ts";

/** Records as they stand in a batch, not yet sealed or compressed. */
export interface EncodedRecords {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Of records that have times of their own, ms. */
  readonly times?: { readonly first: number; readonly max: number };
}

export interface BatchSeal {
  readonly codec: ProduceCodec;
  /** Producer's time, ms, of records that have none of their own; a topic with the broker's time puts that over it. */
  readonly timestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

/** Bytes of a record beside its value at most: length, attributes, time, offset, no key, value length, no headers. */
const RECORD_OVERHEAD_MAX = 5 + 1 + 5 + 5 + 1 + 5 + 1;
/** Longest time from the first record of a batch to its last, ms. */
export const BATCH_SPAN_MS_MAX = 2 ** 31 - 1;
/**
 * Records below which compression costs more than it gives: of ten events, 2 KB, it takes 1.5 away, and 30 µs, and 20
 * of every reader, nearly all of it for setting up.
 */
const COMPRESS_BYTES_MIN = 4096;

/**
 * The values of several batches of one partition, one behind the other; all are data. Either none has an
 * ingest time, or all have, none before the first and at most {@link BATCH_SPAN_MS_MAX} behind it.
 */
export function encodeValues(batches: readonly AppendBatch[]): EncodedRecords {
  let size = 0;
  for (const { count, starts, ends } of batches) {
    for (let i = 0; i < count; i++) size += ends[i] - starts[i] + RECORD_OVERHEAD_MAX;
  }
  const bytes = new Uint8Array(size);
  const first = batches[0]?.ingestedAt;
  let max = first ?? 0;
  let at = 0;
  let delta = 0;
  for (const batch of batches) {
    const time = first === undefined ? 0 : (batch.ingestedAt as number) - first;
    max = Math.max(max, batch.ingestedAt ?? 0);
    for (let i = 0; i < batch.count; i++, delta++) {
      const from = batch.starts[i];
      const length = batch.ends[i] - from;
      const sizes = varintSize(time) + varintSize(delta) + varintSize(length);
      at = putVarint(bytes, at, 3 + sizes + length);
      bytes[at] = 0;
      at = putVarint(bytes, at + 1, time);
      at = putVarint(bytes, at, delta);
      bytes[at] = 1;
      at = putVarint(bytes, at + 1, length);
      if (length > 64) bytes.set(batch.bytes.subarray(from, from + length), at);
      else for (let b = 0; b < length; b++) bytes[at + b] = batch.bytes[from + b];
      at += length;
      bytes[at++] = 0;
    }
  }
  const encoded = { count: delta, bytes: bytes.subarray(0, at) };
  return first === undefined ? encoded : { ...encoded, times: { first, max } };
}

/** One record with a key, for a compacted topic. */
export function encodeKeyed(key: Uint8Array, value: Uint8Array): EncodedRecords {
  return encodeSingle(key, value, Uint8Array.of(0));
}

/** The marker at the end of a partition's input. */
export function encodeEndOfInput(): EncodedRecords {
  return encodeSingle(null, new Uint8Array(0), END_OF_INPUT_HEADERS);
}

/** A whole record batch, ready for a produce request. */
export function sealBatch(records: EncodedRecords, seal: BatchSeal): Buffer {
  const codec = records.bytes.length < COMPRESS_BYTES_MIN ? "none" : seal.codec;
  const body = compress(codec, records.bytes);
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - BATCH_PREFIX_BYTES, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(CODECS[codec] | (seal.transactional ? TRANSACTIONAL : 0), 21);
  batch.writeInt32BE(records.count - 1, 23);
  batch.writeBigInt64BE(BigInt(records.times?.first ?? seal.timestamp), 27);
  batch.writeBigInt64BE(BigInt(records.times?.max ?? seal.timestamp), 35);
  batch.writeBigInt64BE(BigInt(seal.producerId), 43);
  batch.writeInt16BE(seal.producerEpoch, 51);
  batch.writeInt32BE(seal.baseSequence, 53);
  batch.writeInt32BE(records.count, 57);
  batch.set(body, BATCH_HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch, BATCH_CHECKED_FROM, batch.length), 17);
  return batch;
}

function encodeSingle(key: Uint8Array | null, value: Uint8Array, headers: Uint8Array): EncodedRecords {
  const keySize = key?.length ?? 0;
  const body = new Uint8Array(3 + 5 + keySize + 5 + value.length + headers.length);
  let at = putVarint(body, 3, key === null ? -1 : keySize);
  if (key !== null) body.set(key, at);
  at = putVarint(body, at + keySize, value.length);
  body.set(value, at);
  body.set(headers, at + value.length);
  const size = at + value.length + headers.length;
  const bytes = new Uint8Array(5 + size);
  at = putVarint(bytes, 0, size);
  bytes.set(body.subarray(0, size), at);
  return { count: 1, bytes: bytes.subarray(0, at + size) };
}

/** Zigzag varint of a 32-bit integer; returns the place behind it. */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let i = at;
  for (; rest >= 0x80; rest >>>= 7) bytes[i++] = (rest & 0x7f) | 0x80;
  bytes[i++] = rest;
  return i;
}

/** Bytes of the zigzag varint of an integer from 0 on. */
function varintSize(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1 << 20 ? 3 : value < 1 << 27 ? 4 : 5;
}
