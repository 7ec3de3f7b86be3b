import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { MillraceError } from "../../../schema/index.ts";
import { decompressLz4Frames } from "./lz4-frame.ts";
import { decompressSnappy } from "./snappy.ts";

/** Compression of a record batch; the number is the low three bits of its attributes. */
export const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** What this side writes; it reads all of {@link CODECS}. */
export type ProduceCodec = "none" | "gzip" | "zstd";

/** Bytes that one batch may decompress to: a bound for what a hostile or broken batch can claim. */
export const DECOMPRESSED_BYTES_MAX = 256 << 20;

/** Level 1: three quarters of the default's ratio at a third of its time on JSON events. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const BOUND = { maxOutputLength: DECOMPRESSED_BYTES_MAX };

export function compress(codec: ProduceCodec, records: Uint8Array): Uint8Array {
  if (codec === "zstd") return zstdCompressSync(records, ZSTD_OPTIONS);
  return codec === "gzip" ? gzipSync(records, { level: 1 }) : records;
}

/**
 * The records of a batch, decompressed.
 *
 * @throws MillraceError `record-batch-corrupt` where the bytes are not what the codec says
 */
export function decompress(codec: number, compressed: Uint8Array): Uint8Array {
  try {
    switch (codec) {
      case CODECS.gzip:
        return gunzipSync(compressed, BOUND);
      case CODECS.snappy:
        return decompressSnappy(compressed, DECOMPRESSED_BYTES_MAX);
      case CODECS.lz4:
        return decompressLz4Frames(compressed, DECOMPRESSED_BYTES_MAX);
      case CODECS.zstd:
        return zstdDecompressSync(compressed, BOUND);
    }
  } catch (error) {
    throw corruptError(`its ${nameOf(codec)} data cannot be decompressed`, error);
  }
  throw corruptError(`codec ${codec} is not known`);
}

function nameOf(codec: number): string {
  return Object.entries(CODECS).find(([, number]) => number === codec)?.[0] ?? String(codec);
}

/** A batch that is not what the format says; the reader adds which one it was. */
export function corruptError(what: string, cause?: unknown): MillraceError {
  return new MillraceError(`the record batch is damaged: ${what}`, {
    code: "record-batch-corrupt",
    origin: "external",
    cause,
  });
}
