import type { AppendBatch } from "../ports/event-log.ts";

/**
 * A chunk is one value of the log: records of one partition that were appended together.
 *
 * | bytes | content, little-endian |
 * |---|---|
 * | 0 | uint32 format version |
 * | 4 | uint32 number of records |
 * | 8 | float64 ingest time, ms |
 * | 16 | float64 sequence over all topics |
 * | 24 | uint32 control: 0 data, 1 end-of-input |
 * | 28 | uint32 reserved |
 * | 32 | uint32 end of each record's value, counted from the chunk's first byte |
 * | … | values, back to back |
 */
export const CHUNK_HEADER_BYTES = 32;
const CHUNK_VERSION = 1;
/** A chunk ends before it passes either bound; a single larger record is a chunk of its own. */
const CHUNK_RECORDS_MAX = 4096;
const CHUNK_BYTES_MAX = 1 << 20;

/** A chunk that has everything but its place: ingest time and sequence are known in the transaction. */
export interface PreparedChunk {
  readonly count: number;
  readonly bytes: Buffer;
}

/** Cuts a batch into chunks; the caller's bytes are copied and may be reused at once. */
export function prepareChunks(batch: AppendBatch): PreparedChunk[] {
  if (batch.control === "end-of-input") return [endOfInputChunk()];
  const chunks: PreparedChunk[] = [];
  for (let from = 0; from < batch.count; ) {
    const to = chunkEnd(batch, from);
    chunks.push(prepareChunk(batch, from, to));
    from = to;
  }
  return chunks;
}

/** Writes what only the transaction knows. */
export function stampChunk(bytes: Buffer, ingestedAt: number, sequence: number): void {
  bytes.writeDoubleLE(ingestedAt, 8);
  bytes.writeDoubleLE(sequence, 16);
}

function chunkEnd(batch: AppendBatch, from: number): number {
  const last = Math.min(batch.count, from + CHUNK_RECORDS_MAX);
  let bytes = batch.ends[from] - batch.starts[from];
  let to = from + 1;
  for (; to < last; to++) {
    bytes += batch.ends[to] - batch.starts[to];
    if (bytes > CHUNK_BYTES_MAX) break;
  }
  return to;
}

function prepareChunk(batch: AppendBatch, from: number, to: number): PreparedChunk {
  const { starts, ends } = batch;
  const count = to - from;
  let at = CHUNK_HEADER_BYTES + count * 4;
  let size = at;
  let contiguous = true;
  for (let i = from; i < to; i++) {
    size += ends[i] - starts[i];
    if (i > from && starts[i] !== ends[i - 1]) contiguous = false;
  }
  const bytes = Buffer.allocUnsafeSlow(size);
  writeHeader(bytes, count, 0);
  const valueEnds = new Uint32Array(bytes.buffer, CHUNK_HEADER_BYTES, count);
  if (contiguous) {
    bytes.set(batch.bytes.subarray(starts[from], ends[to - 1]), at);
    const shift = at - starts[from];
    for (let i = 0; i < count; i++) valueEnds[i] = ends[from + i] + shift;
    return { count, bytes };
  }
  for (let i = 0; i < count; i++) {
    bytes.set(batch.bytes.subarray(starts[from + i], ends[from + i]), at);
    at += ends[from + i] - starts[from + i];
    valueEnds[i] = at;
  }
  return { count, bytes };
}

function endOfInputChunk(): PreparedChunk {
  const size = CHUNK_HEADER_BYTES + 4;
  const bytes = Buffer.allocUnsafeSlow(size);
  writeHeader(bytes, 1, 1);
  bytes.writeUInt32LE(size, CHUNK_HEADER_BYTES);
  return { count: 1, bytes };
}

function writeHeader(bytes: Buffer, count: number, control: number): void {
  bytes.writeUInt32LE(CHUNK_VERSION, 0);
  bytes.writeUInt32LE(count, 4);
  bytes.fill(0, 8, 24);
  bytes.writeUInt32LE(control, 24);
  bytes.writeUInt32LE(0, 28);
}

/** Number of records of a stored chunk. */
export function chunkCount(chunk: Buffer): number {
  return chunk.readUInt32LE(4);
}

export function chunkIngestedAt(chunk: Buffer): number {
  return chunk.readDoubleLE(8);
}

export function chunkSequence(chunk: Buffer): number {
  return chunk.readDoubleLE(16);
}

export function chunkControl(chunk: Buffer): "data" | "end-of-input" {
  return chunk.readUInt32LE(24) === 1 ? "end-of-input" : "data";
}
