/** Numbers of the Parquet format: https://github.com/apache/parquet-format (parquet.thrift). */

export const PhysicalType = { boolean: 0, int32: 1, int64: 2, double: 5, byteArray: 6 } as const;
export type PhysicalType = (typeof PhysicalType)[keyof typeof PhysicalType];

export const Encoding = {
  plain: 0,
  rle: 3,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  rleDictionary: 8,
} as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

export const PageType = { data: 0, dictionary: 2 } as const;
export const Repetition = { required: 0, optional: 1 } as const;
export const ConvertedType = { utf8: 0, timestampMicros: 10 } as const;
export const CODEC_ZSTD = 6;

/** Opens and closes every file. */
export const MAGIC: Uint8Array = new TextEncoder().encode("PAR1");

/** In the form APPLICATION version VERSION, without which parquet-mr distrusts statistics. */
export const CREATED_BY = "millrace version 0.1.0";
