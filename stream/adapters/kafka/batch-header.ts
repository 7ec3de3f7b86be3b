/**
 * Head of a record batch, version 2 (Kafka protocol guide, "Record Batch"), big-endian:
 *
 * | byte | content |
 * |---|---|
 * | 0 | int64 base offset |
 * | 8 | int32 bytes of the batch behind this field |
 * | 12 | int32 epoch of the partition's leader |
 * | 16 | int8 magic: 2 |
 * | 17 | uint32 CRC32C of everything behind this field |
 * | 21 | int16 attributes: bits 0-2 codec, 3 time is the broker's, 4 transactional, 5 control |
 * | 23 | int32 last offset - base offset; compaction leaves it when it takes records out |
 * | 27 | int64 base timestamp |
 * | 35 | int64 highest timestamp; with a broker's time, that of every record, whatever they say |
 * | 43 | int64 producer id |
 * | 51 | int16 producer epoch |
 * | 53 | int32 base sequence |
 * | 57 | int32 number of records |
 * | 61 | records, compressed as a whole |
 */
export const BATCH_HEADER_BYTES = 61;
/** Bytes up to and with the length field, which that does not count. */
export const BATCH_PREFIX_BYTES = 12;
export const BATCH_CHECKED_FROM = 21;
export const MAGIC = 2;

export const CODEC_MASK = 0x07;
export const BROKER_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

export function readInt16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

/** Exact up to 2^53: offsets, times and producer ids stay far below. */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 2 ** 32 + (readInt32(bytes, at + 4) >>> 0);
}
