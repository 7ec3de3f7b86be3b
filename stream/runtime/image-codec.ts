import { promisify } from "node:util";
import { constants, type ZstdOptions, zstdCompress, zstdDecompress } from "node:zlib";
import { freeBytes } from "../../schema/index.ts";

/** How parts of state images are packed: zstd level 1 of the runtime, wherever it is computed. */
export interface ImageCodec {
  /** Resolves to bytes that share their memory with nothing. */
  compress(part: Uint8Array): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Takes back what {@link decompress} gave: nobody may use it any more. */
  release(part: Uint8Array): void;
}

/**
 * Bytes that one call of the pool gives when it unpacks: room for a part of an image, of which only larger ones come in
 * pieces. With the runtime's 16 KB, a part of 1 MB is 64 calls, and unpacking takes twice the CPU.
 */
const PIECE_BYTES = 5 << 18;
/**
 * The same when it packs. Each call waits for its turn among the batches that are processed: with 16 KB, an image of 60 MB
 * was under way for ten seconds, for twice the CPU. With a megabyte, a million users take 300 MB more.
 */
const PACKED_PIECE_BYTES = 64 << 10;

const compressed = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);
const decompressed = promisify<Uint8Array, ZstdOptions, Buffer>(zstdDecompress);

/** On a thread of the pool: the task goes on meanwhile. */
export const poolCodec: ImageCodec = {
  async compress(part) {
    const packed = await compressed(part, {
      chunkSize: PACKED_PIECE_BYTES,
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
      // Then it stands in front of the bytes, and they are unpacked in place and not by way of a window.
      pledgedSrcSize: part.length,
    });
    // Not in memory that others share, nor with room for more.
    const exact = new Uint8Array(packed);
    freeBytes(packed);
    return exact;
  },
  decompress: (bytes) => decompressed(bytes, { chunkSize: PIECE_BYTES }),
  release: freePiece,
};

/** The only one who has a piece, of which the bytes are the beginning, is who was given it. */
function freePiece(bytes: Uint8Array): void {
  freeBytes(bytes.buffer.byteLength === PIECE_BYTES ? new Uint8Array(bytes.buffer) : bytes);
}
