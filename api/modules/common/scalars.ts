import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from "graphql";

// RFC 3339 with a zone; the ranges of its parts are left to Date.
const INSTANT = /^(\d{4}-\d{2}-(\d{2}))T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const LARGEST_INSTANT_MS = 8.64e15;

/** @param node the literal that the value is from; an error points at it */
function parseInstant(value: unknown, node: ValueNode | null = null): number {
  const parts = typeof value === "string" ? INSTANT.exec(value) : null;
  const ms = parts === null ? Number.NaN : Date.parse(parts[0]);
  if (parts === null || Number.isNaN(ms)) {
    throw new GraphQLError("DateTime must be ISO 8601 with a zone, such as 2026-01-31T12:00:00.000Z.", {
      nodes: node,
    });
  }
  const [, date, day] = parts;
  // Date takes 31 February for 3 March.
  if (new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(day)) {
    throw new GraphQLError(`DateTime has a day that does not exist: ${date}.`, { nodes: node });
  }
  return ms;
}

/** An instant. Inside the API it is a number: milliseconds since the epoch. */
export const DateTime = new GraphQLScalarType<number, string>({
  name: "DateTime",
  description: "An instant, ISO 8601 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  serialize(value) {
    if (typeof value !== "number" || !(Math.abs(value) <= LARGEST_INSTANT_MS)) {
      throw new GraphQLError("DateTime is not a time in milliseconds.");
    }
    return new Date(value).toISOString();
  },
  parseValue: (value) => parseInstant(value),
  parseLiteral: (node) => parseInstant(node.kind === Kind.STRING ? node.value : null, node),
});

/** @param node the literal that the value is from; an error points at it */
function parseLong(value: unknown, node: ValueNode | null = null): number {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) {
    throw new GraphQLError("Long must be an integer between -(2^53 - 1) and 2^53 - 1.", { nodes: node });
  }
  return number;
}

/** A whole number beyond 32 bits. Above 2^53 it is serialised as a string, so no digit is lost. */
export const Long = new GraphQLScalarType<number, number | string>({
  name: "Long",
  description: "A whole number of up to 64 bits: a JSON number up to 2^53 - 1, a string of digits beyond.",
  serialize(value) {
    if (typeof value === "bigint") {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value.toString();
    }
    if (typeof value !== "number" || !Number.isInteger(value)) {
      throw new GraphQLError("Long is not a whole number.");
    }
    return Number.isSafeInteger(value) ? value : BigInt(value).toString();
  },
  parseValue: (value) => parseLong(value),
  parseLiteral: (node) =>
    parseLong(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : Number.NaN, node),
});
