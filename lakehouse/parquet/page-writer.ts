import { crc32 } from "node:zlib";
import type { Bounds } from "./bounds.ts";
import { ByteSink } from "./byte-sink.ts";
import { Encoding, PageType } from "./format.ts";
import { ThriftWriter } from "./thrift-writer.ts";
import { compressZstd } from "./zstd.ts";

export interface DataPage {
  /** Rows, nulls included. */
  readonly rows: number;
  readonly nulls: number;
  readonly encoding: Encoding;
  readonly bounds: Bounds;
}

/** Bytes of a page, header included. */
export interface PageSize {
  readonly uncompressed: number;
  readonly compressed: number;
}

/**
 * Compresses pages and puts headers before them. One serves all columns of a file: a page is built
 * in `body` and handed over before the next one is begun.
 */
export class PageWriter {
  readonly body = new ByteSink(64 * 1024);
  private readonly header = new ByteSink(256);
  private readonly level: number;

  constructor(level: number) {
    this.level = level;
  }

  /**
   * Appends the data page (version 1) in `body` to `out`.
   *
   * @returns its sizes, header included
   */
  data(out: Uint8Array[], page: DataPage): PageSize {
    return this.write(out, PageType.data, (thrift) => {
      thrift.struct(5, () => {
        thrift.i32(1, page.rows);
        thrift.i32(2, page.encoding);
        thrift.i32(3, Encoding.rle);
        thrift.i32(4, Encoding.rle);
        thrift.struct(5, () => writeStatistics(thrift, page.bounds, page.nulls));
      });
    });
  }

  /** Appends the dictionary page in `body` to `out`; returns as {@link data}. */
  dictionary(out: Uint8Array[], entries: number): PageSize {
    return this.write(out, PageType.dictionary, (thrift) => {
      thrift.struct(7, () => {
        thrift.i32(1, entries);
        thrift.i32(2, Encoding.plain);
      });
    });
  }

  private write(out: Uint8Array[], type: number, typeHeader: (thrift: ThriftWriter) => void): PageSize {
    const { body, header } = this;
    const compressed = compressZstd(body.content(), this.level);
    header.clear();
    const thrift = new ThriftWriter(header);
    thrift.structElement(() => {
      thrift.i32(1, type);
      thrift.i32(2, body.length);
      thrift.i32(3, compressed.length);
      thrift.i32(4, crc32(compressed) | 0);
      typeHeader(thrift);
    });
    // A copy: the compressed bytes lie in a buffer as large as the page, which would be kept alive.
    out.push(Buffer.concat([header.content(), compressed]));
    const uncompressed = header.length + body.length;
    body.clear();
    return { uncompressed, compressed: header.length + compressed.length };
  }
}

/** The fields of Parquet's `Statistics`. */
export function writeStatistics(thrift: ThriftWriter, bounds: Bounds, nulls: number): void {
  thrift.i64(3, nulls);
  if (bounds.max !== null) thrift.binary(5, bounds.max);
  if (bounds.min !== null) thrift.binary(6, bounds.min);
  if (bounds.max !== null) thrift.boolean(7, bounds.maxExact);
  if (bounds.min !== null) thrift.boolean(8, bounds.minExact);
}
