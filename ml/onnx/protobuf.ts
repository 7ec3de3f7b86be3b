/**
 * Writes messages of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/): what an
 * ONNX file needs of it. Numbers of fields are those of the schema; repeated numbers are packed.
 */
export class ProtoMessage {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A varint: int64, int32, enum. The value is a safe integer, not negative. */
  integer(field: number, value: number): this {
    return this.#tag(field, 0).#push(varint(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#push(varint(value.length)).#push(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtoMessage): this {
    return this.bytes(field, value.encode());
  }

  integers(field: number, values: Iterable<number>): this {
    return this.bytes(field, concat(Array.from(values, varint)));
  }

  encode(): Uint8Array {
    return concat(this.#parts, this.#length);
  }

  #tag(field: number, wireType: 0 | 2): this {
    return this.#push(varint(field * 8 + wireType));
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function concat(
  parts: readonly Uint8Array[],
  length = parts.reduce((total, part) => total + part.length, 0),
): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
