import { ByteSink } from "./byte-sink.ts";

/** Begin of the framing of the Java library `snappy-java`, which Kafka's Java clients write. */
const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
const XERIAL_HEADER_BYTES = 16;

/**
 * Decompresses Snappy (format_description.txt of the Snappy project), one raw block or the blocks
 * of the Java framing.
 *
 * @throws RangeError or Error where the bytes are no Snappy, or give more than `bytesMax`
 */
export function decompressSnappy(source: Uint8Array, bytesMax: number): Uint8Array {
  const sink = new ByteSink(source.length * 4, bytesMax);
  if (!XERIAL_MAGIC.every((byte, i) => source[i] === byte)) {
    block(source, sink);
    return sink.take();
  }
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let at = XERIAL_HEADER_BYTES; at < source.length; ) {
    const size = view.getInt32(at);
    at += 4;
    if (size < 0 || at + size > source.length) throw new RangeError("the input ends within a block");
    block(source.subarray(at, at + size), sink);
    at += size;
  }
  return sink.take();
}

function block(source: Uint8Array, sink: ByteSink): void {
  const oldest = sink.length;
  let at = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    if (at >= source.length || shift > 28) throw new RangeError("the length is cut off");
    const byte = source[at++];
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  while (at < source.length) {
    const tag = source[at++];
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const bytes = length - 59;
        length = uint(source, at, bytes);
        at += bytes;
      }
      sink.literal(source, at, at + length + 1);
      at += length + 1;
    } else if (kind === 1) {
      sink.repeat(((tag >>> 5) << 8) | uint(source, at, 1), ((tag >>> 2) & 7) + 4, oldest);
      at += 1;
    } else {
      const bytes = kind === 2 ? 2 : 4;
      sink.repeat(uint(source, at, bytes), (tag >>> 2) + 1, oldest);
      at += bytes;
    }
  }
  if (sink.length - oldest !== size) throw new RangeError("the output is not as long as it says");
}

/** Little-endian integer of 1 to 4 bytes. */
function uint(source: Uint8Array, at: number, bytes: number): number {
  if (at + bytes > source.length) throw new RangeError("the input ends within a tag");
  let value = 0;
  for (let i = 0; i < bytes; i++) value += source[at + i] * 2 ** (8 * i);
  return value;
}
