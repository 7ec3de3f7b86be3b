import avro from "avsc";

const VARINT_BYTES_MAX = 10;
/** Arrays, maps, unions and records within each other: more than any event has, and few enough for every stack. */
const DEPTH_MAX = 64;
/** Items beyond one for each byte: of items that take no bytes, a count alone says how many there are. */
const EMPTY_ITEMS_MAX = 4096;
const DAMAGED = -1;

/**
 * Finds where a value of any Avro type ends, and that it is whole, without making it: a count of a
 * billion items, a length beyond the record or endless nesting is found out before memory is taken
 * for it. Work and the items of the value are bounded by the bytes of the record.
 *
 * @see https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
export class AvroExtent {
  readonly #type: avro.Type;
  #bytes: Uint8Array = new Uint8Array(0);
  #p = 0;
  #end = 0;
  #items = 0;

  constructor(type: avro.Type) {
    this.#type = type;
  }

  /** The byte after the value that begins at `start`; -1 where it is damaged or reaches beyond `end`. */
  of(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes;
    this.#p = start;
    this.#end = end;
    this.#items = end - start + EMPTY_ITEMS_MAX;
    return this.#skip(this.#type, 0) ? this.#p : DAMAGED;
  }

  /** Goes over one value; false where it is damaged. */
  #skip(type: avro.Type, depth: number): boolean {
    if (depth > DEPTH_MAX) return false;
    switch (type.typeName) {
      case "null":
        return true;
      case "boolean":
        return this.#bytesOf(1);
      case "int":
      case "long":
        return !Number.isNaN(this.#varint());
      case "float":
        return this.#bytesOf(4);
      case "double":
        return this.#bytesOf(8);
      case "bytes":
      case "string":
        return this.#bytesOf(this.#varint());
      case "fixed":
        return this.#bytesOf((type as avro.types.FixedType).size);
      case "enum": {
        const code = this.#varint();
        return code >= 0 && code < (type as avro.types.EnumType).symbols.length;
      }
      case "array":
        return this.#blocks((type as avro.types.ArrayType).itemsType, false, depth);
      case "map":
        return this.#blocks((type as avro.types.MapType).valuesType, true, depth);
      default:
        if (avro.Type.isType(type, "union"))
          return this.#branch((type as avro.types.WrappedUnionType).types, depth);
        return (type as avro.types.RecordType).fields.every((field) => this.#skip(field.type, depth + 1));
    }
  }

  #branch(types: readonly avro.Type[], depth: number): boolean {
    const branch = this.#varint();
    return branch >= 0 && branch < types.length && this.#skip(types[branch], depth + 1);
  }

  /** Blocks of items, each with its count before it, up to one of none; keyed in a map. */
  #blocks(item: avro.Type, isKeyed: boolean, depth: number): boolean {
    for (;;) {
      let count = this.#varint();
      if (count === 0) return true;
      if (count < 0) {
        // The size of the block in bytes follows, for who would skip it unread.
        count = -count;
        if (!(this.#varint() >= 0)) return false;
      }
      if (!(count <= this.#items)) return false;
      this.#items -= count;
      for (; count > 0; count--) {
        if (isKeyed && !this.#bytesOf(this.#varint())) return false;
        if (!this.#skip(item, depth + 1)) return false;
      }
    }
  }

  #bytesOf(count: number): boolean {
    if (!(count >= 0 && count <= this.#end - this.#p)) return false;
    this.#p += count;
    return true;
  }

  /** A zig-zag integer, near enough beyond 2^53; NaN where it runs out of the record or of 64 bits. */
  #varint(): number {
    let value = 0;
    for (let i = 0, scale = 1; i < VARINT_BYTES_MAX && this.#p < this.#end; i++, scale *= 128) {
      const byte = this.#bytes[this.#p++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    }
    return Number.NaN;
  }
}
