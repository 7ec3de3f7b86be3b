import { utf8Decoder } from "../../schema/index.ts";

const METADATA_FIELD = 14;

/**
 * `metadata_props` of an ONNX file, the only part of it that is read here. Throws a RangeError where
 * the bytes are no protobuf message.
 */
export function readOnnxMetadata(file: Uint8Array): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const { field, bytes } of fieldsOf(file)) {
    if (field !== METADATA_FIELD || bytes === null) continue;
    const [key, value] = [1, 2].map((wanted) => {
      const found = fieldsOf(bytes).find((part) => part.field === wanted)?.bytes;
      return utf8Decoder.decode(found ?? new Uint8Array());
    });
    metadata.set(key, value);
  }
  return metadata;
}

interface ProtoField {
  readonly field: number;
  /** Null where the field is a number. */
  readonly bytes: Uint8Array | null;
}

function fieldsOf(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError("a number has no end");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    let size: number;
    switch (tag % 8) {
      case 0:
        varint();
        fields.push({ field, bytes: null });
        continue;
      case 1:
        size = 8;
        break;
      case 2:
        size = varint();
        break;
      case 5:
        size = 4;
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
    if (field < 1 || at + size > message.length) throw new RangeError("a field is cut off");
    fields.push({ field, bytes: message.subarray(at, at + size) });
    at += size;
  }
  return fields;
}
