import type { LakeType } from "../../schema/index.ts";

/** Characters (code points) of text bounds; Iceberg's default `truncate(16)`. */
const BOUND_CHARACTERS = 16;
const CODE_POINT_MAX = 0x10ffff;
const SURROGATE_MIN = 0xd800;
const SURROGATE_MAX = 0xdfff;

/** A value of a column: `bigint` for long and (in microseconds since the epoch) timestamptz. */
export type BoundValue = string | number | bigint | boolean;

/**
 * Iceberg's single-value serialisation of a lower or upper bound
 * (https://iceberg.apache.org/spec/#binary-single-value-serialization), text cut to 16 code points;
 * null where a cut upper bound has no successor.
 */
export function encodeBound(type: LakeType, value: BoundValue, side: "lower" | "upper"): Buffer | null {
  switch (type) {
    case "string": {
      const text = side === "lower" ? cut(String(value)) : cutUp(String(value));
      return text === null ? null : Buffer.from(text, "utf8");
    }
    case "int": {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(Number(value));
      return bytes;
    }
    case "long":
    case "timestamptz": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    }
    case "double": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(value));
      return bytes;
    }
    case "boolean":
      return Buffer.from([value ? 1 : 0]);
  }
}

function cut(text: string): string {
  return Array.from(text).slice(0, BOUND_CHARACTERS).join("");
}

/** The shortest text of at most 16 code points that is not below any text with this beginning. */
function cutUp(text: string): string | null {
  const points = Array.from(text);
  if (points.length <= BOUND_CHARACTERS) return text;
  for (let at = BOUND_CHARACTERS - 1; at >= 0; at--) {
    const next = successor(points[at].codePointAt(0) ?? 0);
    if (next !== null) return points.slice(0, at).join("") + String.fromCodePoint(next);
  }
  return null;
}

function successor(point: number): number | null {
  if (point >= CODE_POINT_MAX) return null;
  return point + 1 >= SURROGATE_MIN && point + 1 <= SURROGATE_MAX ? SURROGATE_MAX + 1 : point + 1;
}
