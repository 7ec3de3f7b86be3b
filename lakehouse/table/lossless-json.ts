/** A JSON integer beyond ±2^53 is kept as a bigint, every other number as a number. */
export type JsonInteger = number | bigint;

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

// ES2025 members that Node 24 has and the ES2023 library types lack.
const json = JSON as unknown as {
  parse(text: string, reviver: SourceReviver): unknown;
  rawJSON(text: string): unknown;
};

/** Finds every integer beyond ±2^53, and more: what follows a colon in a text does no harm. */
const MAYBE_UNSAFE = /[:[,]\s*-?(?:\d{17}|9\d{15})/;

/**
 * Parses Iceberg metadata without rounding: other engines write 64-bit snapshot ids, which
 * `JSON.parse` alone would change to a neighbour and so to a snapshot that does not exist.
 */
export function parseLossless(text: string): unknown {
  // Our own metadata has no such integers, and the plain parser is many times faster.
  if (!MAYBE_UNSAFE.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context.source ?? "";
    return /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** The inverse of {@link parseLossless}. */
export function stringifyLossless(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    typeof member === "bigint" ? json.rawJSON(String(member)) : member,
  );
}

/** Whether two ids are the same integer, whichever form they have. */
export function sameId(a: JsonInteger | null | undefined, b: JsonInteger | null | undefined): boolean {
  return String(a ?? "none") === String(b ?? "none");
}

/** A number where the integer is exact as one, else the bigint. */
export function jsonInteger(value: bigint): JsonInteger {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
