import { constants, zstdCompressSync } from "node:zlib";

/**
 * One zstd frame. The size is pledged, so that the frame header carries it and small pages get
 * small tables; the output buffer is zstd's own bound, so that there is one pass and no joining.
 */
export function compressZstd(bytes: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    pledgedSrcSize: bytes.length,
    chunkSize: Math.max(128, bytes.length + (bytes.length >>> 8) + 64),
  });
}
