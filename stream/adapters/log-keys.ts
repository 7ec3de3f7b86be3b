/** Key of a chunk: topic id, partition, base offset, each big-endian, so that key order is log order. */
export const CHUNK_KEY_BYTES = 16;

const OFFSET_HIGH = 2 ** 32;

export function writeChunkKey(key: Buffer, topicId: number, partition: number, offset: number): Buffer {
  key.writeUInt32BE(topicId, 0);
  key.writeUInt32BE(partition, 4);
  key.writeUInt32BE(Math.floor(offset / OFFSET_HIGH), 8);
  key.writeUInt32BE(offset % OFFSET_HIGH, 12);
  return key;
}

export function chunkKey(topicId: number, partition: number, offset: number): Buffer {
  return writeChunkKey(Buffer.alloc(CHUNK_KEY_BYTES), topicId, partition, offset);
}

export function chunkKeyOffset(key: Buffer): number {
  return key.readUInt32BE(8) * OFFSET_HIGH + key.readUInt32BE(12);
}
