/**
 * Gives the memory of bytes back now, not with some later collection: nobody may use them any more. A small
 * piece may share its memory with others, and is left to the collector.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (bytes.buffer.byteLength === bytes.length) (bytes.buffer as ArrayBuffer).transfer(0);
}
