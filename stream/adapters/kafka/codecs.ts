import { gunzipSync, gzipSync, zstdDecompressSync } from "node:zlib";
import { compressZstd } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { decompressLz4Frames } from "./lz4-frame.ts";
import { decompressSnappy } from "./snappy.ts";
import { zstdContentSize } from "./zstd-frame.ts";

/** Compression of a record batch; the number is the low three bits of its attributes. */
export const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** What this side writes; it reads all of {@link CODECS}. */
export type ProduceCodec = "none" | "gzip" | "zstd";

/** Bytes that one batch may decompress to: a bound for what a hostile or broken batch can claim. */
export const DECOMPRESSED_BYTES_MAX = 256 << 20;

/** Level 1: three quarters of the default's ratio at a third of its time on JSON events. */
const ZSTD_LEVEL = 1;
/** How far JSON events compress, at most, where the frame does not say it; Java's producers do not. */
const ZSTD_USUAL_RATIO = 8;
/** Pieces of at least what the runtime allows; a claim alone gets no more than a large batch takes. */
const ZSTD_PIECE_BYTES = { min: 64, max: 1 << 20 };
const BOUND = { maxOutputLength: DECOMPRESSED_BYTES_MAX };

export function compress(codec: ProduceCodec, records: Uint8Array): Uint8Array {
  if (codec === "zstd") return compressZstd(records, ZSTD_LEVEL);
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
        return zstdDecompressSync(compressed, { ...BOUND, chunkSize: zstdPieceBytes(compressed) });
    }
  } catch (error) {
    throw corruptError(`its ${nameOf(codec)} data cannot be decompressed`, error);
  }
  throw corruptError(`codec ${codec} is not known`);
}

/**
 * Bytes in which a batch is decompressed: all at once, where its size is known or JSON compresses as usual. In the
 * runtime's pieces of 16 KB it takes half as much CPU again, and twice as much for one of ten events.
 */
function zstdPieceBytes(compressed: Uint8Array): number {
  const size = zstdContentSize(compressed) ?? ZSTD_USUAL_RATIO * compressed.length;
  return Math.max(ZSTD_PIECE_BYTES.min, Math.min(ZSTD_PIECE_BYTES.max, size));
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
