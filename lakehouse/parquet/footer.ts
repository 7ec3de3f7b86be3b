import type { LakeColumn, TableSpec } from "../../schema/index.ts";
import type { Bounds } from "./bounds.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { EncodedChunk } from "./column-encoder.ts";
import {
  CODEC_ZSTD,
  ConvertedType,
  CREATED_BY,
  Encoding,
  PageType,
  PhysicalType,
  Repetition,
} from "./format.ts";
import { writeStatistics } from "./page-writer.ts";
import { ThriftWriter } from "./thrift-writer.ts";

/** A chunk at its place in a file. */
export interface ChunkMetadata extends Omit<EncodedChunk, "parts"> {
  readonly column: LakeColumn;
  readonly bounds: Bounds;
  readonly offset: number;
}

export interface RowGroupMetadata {
  readonly rows: number;
  /** By column, as they lie in the file. */
  readonly chunks: readonly ChunkMetadata[];
}

const PHYSICAL_TYPES: Record<LakeColumn["type"], PhysicalType> = {
  string: PhysicalType.byteArray,
  int: PhysicalType.int32,
  long: PhysicalType.int64,
  timestamptz: PhysicalType.int64,
  double: PhysicalType.double,
  boolean: PhysicalType.boolean,
};

/** Parquet's `FileMetaData`, without the length and magic behind it. */
export function writeFooter(sink: ByteSink, table: TableSpec, rowGroups: readonly RowGroupMetadata[]): void {
  const thrift = new ThriftWriter(sink);
  thrift.structElement(() => {
    thrift.i32(1, 2);
    thrift.structs(2, [null, ...table.columns], (column) => writeSchemaElement(thrift, table, column));
    thrift.i64(
      3,
      rowGroups.reduce((sum, group) => sum + group.rows, 0),
    );
    let ordinal = 0;
    thrift.structs(4, rowGroups, (group) => writeRowGroup(thrift, group, ordinal++));
    thrift.string(6, CREATED_BY);
    // ColumnOrder is a union whose first member says: the order that the column's type defines.
    thrift.structs(7, table.columns, () => thrift.struct(1, () => {}));
  });
}

/** @param column null for the root */
function writeSchemaElement(thrift: ThriftWriter, table: TableSpec, column: LakeColumn | null): void {
  if (column === null) {
    thrift.string(4, "table");
    thrift.i32(5, table.columns.length);
    return;
  }
  thrift.i32(1, PHYSICAL_TYPES[column.type]);
  thrift.i32(3, column.required ? Repetition.required : Repetition.optional);
  thrift.string(4, column.name);
  if (column.type === "string") {
    thrift.i32(6, ConvertedType.utf8);
    thrift.i32(9, column.id);
    thrift.struct(10, () => thrift.struct(1, () => {}));
  } else if (column.type === "timestamptz") {
    thrift.i32(6, ConvertedType.timestampMicros);
    thrift.i32(9, column.id);
    thrift.struct(10, () => writeTimestampType(thrift));
  } else {
    thrift.i32(9, column.id);
  }
}

/** LogicalType TIMESTAMP: adjusted to UTC, in microseconds. */
function writeTimestampType(thrift: ThriftWriter): void {
  thrift.struct(8, () => {
    thrift.boolean(1, true);
    thrift.struct(2, () => thrift.struct(2, () => {}));
  });
}

function writeRowGroup(thrift: ThriftWriter, group: RowGroupMetadata, ordinal: number): void {
  const sum = (size: (chunk: ChunkMetadata) => number) =>
    group.chunks.reduce((total, chunk) => total + size(chunk), 0);
  thrift.structs(1, group.chunks, (chunk) => {
    thrift.i64(2, chunk.offset);
    thrift.struct(3, () => writeColumnMetadata(thrift, chunk));
  });
  thrift.i64(
    2,
    sum((chunk) => chunk.uncompressedBytes),
  );
  thrift.i64(3, group.rows);
  thrift.i64(5, group.chunks[0].offset);
  thrift.i64(
    6,
    sum((chunk) => chunk.compressedBytes),
  );
  if (ordinal < 0x8000) thrift.i16(7, ordinal);
}

function writeColumnMetadata(thrift: ThriftWriter, chunk: ChunkMetadata): void {
  const { column, offset, dictionaryBytes } = chunk;
  const hasDictionary = dictionaryBytes > 0;
  const encodings = new Set<number>(chunk.pages.keys());
  if (hasDictionary) encodings.add(Encoding.plain);
  encodings.add(Encoding.rle);
  thrift.i32(1, PHYSICAL_TYPES[column.type]);
  thrift.i32s(2, [...encodings]);
  thrift.strings(3, [column.name]);
  thrift.i32(4, CODEC_ZSTD);
  thrift.i64(5, chunk.rows);
  thrift.i64(6, chunk.uncompressedBytes);
  thrift.i64(7, chunk.compressedBytes);
  thrift.i64(9, offset + dictionaryBytes);
  if (hasDictionary) thrift.i64(11, offset);
  thrift.struct(12, () => writeStatistics(thrift, chunk.bounds, chunk.nulls));
  const pages = [...chunk.pages].map(([encoding, count]) => ({
    type: PageType.data as number,
    encoding,
    count,
  }));
  if (hasDictionary) pages.unshift({ type: PageType.dictionary, encoding: Encoding.plain, count: 1 });
  thrift.structs(13, pages, (page) => {
    thrift.i32(1, page.type);
    thrift.i32(2, page.encoding);
    thrift.i32(3, page.count);
  });
}
