import type { ByteSink } from "./byte-sink.ts";

/** Type codes of the Thrift compact protocol. */
export const ThriftType = {
  true: 1,
  false: 2,
  i16: 4,
  i32: 5,
  i64: 6,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

const utf8 = new TextEncoder();

/**
 * Writes Thrift structs in the compact protocol
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), as far as
 * Parquet's metadata needs it. Fields must come in ascending order of their ids.
 */
export class ThriftWriter {
  readonly sink: ByteSink;
  private lastId = 0;
  private readonly outerIds: number[] = [];

  constructor(sink: ByteSink) {
    this.sink = sink;
  }

  i16(id: number, value: number): void {
    this.header(id, ThriftType.i16);
    this.sink.zigzag(value);
  }

  i32(id: number, value: number): void {
    this.header(id, ThriftType.i32);
    this.sink.zigzag(value);
  }

  /** @param value an integer within ±2^52 */
  i64(id: number, value: number): void {
    this.header(id, ThriftType.i64);
    this.sink.zigzag(value);
  }

  boolean(id: number, value: boolean): void {
    this.header(id, value ? ThriftType.true : ThriftType.false);
  }

  binary(id: number, value: Uint8Array): void {
    this.header(id, ThriftType.binary);
    this.binaryElement(value);
  }

  string(id: number, value: string): void {
    this.binary(id, utf8.encode(value));
  }

  /** A struct field; `body` writes its fields. */
  struct(id: number, body: () => void): void {
    this.header(id, ThriftType.struct);
    this.structElement(body);
  }

  /** A list of structs. */
  structs<T>(id: number, items: readonly T[], body: (item: T) => void): void {
    this.list(id, ThriftType.struct, items.length);
    for (const item of items) this.structElement(() => body(item));
  }

  i32s(id: number, items: readonly number[]): void {
    this.list(id, ThriftType.i32, items.length);
    for (const item of items) this.sink.zigzag(item);
  }

  strings(id: number, items: readonly string[]): void {
    this.list(id, ThriftType.binary, items.length);
    for (const item of items) this.binaryElement(utf8.encode(item));
  }

  /** The outermost struct, and each element of a list of structs. */
  structElement(body: () => void): void {
    this.outerIds.push(this.lastId);
    this.lastId = 0;
    body();
    this.sink.byte(0);
    this.lastId = this.outerIds.pop() ?? 0;
  }

  private binaryElement(value: Uint8Array): void {
    this.sink.varint(value.length);
    this.sink.append(value);
  }

  private list(id: number, elementType: number, size: number): void {
    this.header(id, ThriftType.list);
    if (size < 15) {
      this.sink.byte((size << 4) | elementType);
      return;
    }
    this.sink.byte(0xf0 | elementType);
    this.sink.varint(size);
  }

  private header(id: number, type: number): void {
    const delta = id - this.lastId;
    if (delta > 0 && delta <= 15) {
      this.sink.byte((delta << 4) | type);
    } else {
      this.sink.byte(type);
      this.sink.zigzag(id);
    }
    this.lastId = id;
  }
}
