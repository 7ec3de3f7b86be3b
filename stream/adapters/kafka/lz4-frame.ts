import { ByteSink } from "./byte-sink.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50;
const MATCH_MIN = 4;

/**
 * Decompresses LZ4 frames (lz4_Frame_format.md 1.6, lz4_Block_format.md of the LZ4 project). The
 * frame's xxHash checksums are not looked at: Kafka's CRC32C has covered the same bytes.
 *
 * @throws RangeError or Error where the bytes are no LZ4 frames, or give more than `bytesMax`
 */
export function decompressLz4Frames(source: Uint8Array, bytesMax: number): Uint8Array {
  const sink = new ByteSink(source.length * 4, bytesMax);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let at = 0;
  while (at < source.length) {
    const magic = view.getUint32(at, true);
    at += 4;
    if (magic >>> 4 === SKIPPABLE >>> 4) at += 4 + view.getUint32(at, true);
    else if (magic === MAGIC) at = frame(source, view, at, sink);
    else throw new Error(`${magic.toString(16)} is no LZ4 frame`);
  }
  return sink.take();
}

/** Reads one frame from its descriptor on; returns where it ends. */
function frame(source: Uint8Array, view: DataView, from: number, sink: ByteSink): number {
  const flags = view.getUint8(from);
  if (flags >>> 6 !== 1) throw new Error(`version ${flags >>> 6} of LZ4 frames is not known`);
  const independent = (flags & 0x20) !== 0;
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  let at = from + 2 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1;
  const frameStart = sink.length;
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const to = at + (size & 0x7fffffff);
    if (to > source.length) throw new RangeError("the input ends within a block");
    if (size >>> 31 === 1) sink.literal(source, at, to);
    else block(source, at, to, sink, independent ? sink.length : frameStart);
    at = to + blockChecksum;
  }
  return at + (flags & 0x04 ? 4 : 0);
}

function block(source: Uint8Array, from: number, to: number, sink: ByteSink, oldest: number): void {
  let at = from;
  while (at < to) {
    const token = source[at++];
    let literals = token >>> 4;
    if (literals === 15) {
      for (let more = 255; more === 255; ) literals += more = byteAt(source, at++, to);
    }
    if (at + literals > to) throw new RangeError("a literal leaves its block");
    sink.literal(source, at, at + literals);
    at += literals;
    // A block ends with literals.
    if (at === to) return;
    const distance = byteAt(source, at, to) | (byteAt(source, at + 1, to) << 8);
    at += 2;
    let match = token & 15;
    if (match === 15) {
      for (let more = 255; more === 255; ) match += more = byteAt(source, at++, to);
    }
    sink.repeat(distance, match + MATCH_MIN, oldest);
  }
}

function byteAt(source: Uint8Array, at: number, to: number): number {
  if (at >= to) throw new RangeError("the input ends within a sequence");
  return source[at];
}
