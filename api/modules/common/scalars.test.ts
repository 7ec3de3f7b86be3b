import { GraphQLError, parseValue } from "graphql";
import { describe, expect, it } from "vitest";
import { DateTime, Long } from "./scalars.ts";

/** The error of a call that must throw one. */
function errorOf(call: () => unknown): GraphQLError {
  try {
    call();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
  }
  throw new Error("it threw no GraphQLError");
}

describe("DateTime", () => {
  it("takes instants with any zone and precision", () => {
    const noon = Date.UTC(2026, 0, 31, 12);
    for (const text of ["2026-01-31T12:00Z", "2026-01-31T12:00:00.000000000Z", "2026-01-31T14:00:00+02:00"]) {
      expect(DateTime.parseValue(text), text).toBe(noon);
      expect(DateTime.parseLiteral(parseValue(`"${text}"`)), text).toBe(noon);
    }
    expect(DateTime.parseValue("2024-02-29T23:59:59-12:00")).toBe(Date.UTC(2024, 2, 1, 11, 59, 59));
    expect(DateTime.parseValue("0004-02-29T00:00:00Z")).toBe(Date.parse("0004-02-29T00:00:00Z"));
  });

  it("refuses days that do not exist, and names them", () => {
    for (const date of ["2026-02-31", "2026-02-29", "2100-02-29", "2026-04-31", "0001-02-30"]) {
      const error = errorOf(() => DateTime.parseValue(`${date}T00:00:00Z`));
      expect(error.message).toBe(`DateTime has a day that does not exist: ${date}.`);
    }
  });

  it("refuses what is no instant", () => {
    for (const value of [
      "2026-01-31",
      "2026-13-01T00:00:00Z",
      "2026-01-32T00:00:00Z",
      "yesterday",
      5,
      null,
    ]) {
      expect(() => DateTime.parseValue(value), String(value)).toThrow(/must be ISO 8601/);
    }
  });
});

describe("errors of literals", () => {
  it("say where the literal is", () => {
    for (const text of ['"2026-02-31T00:00:00Z"', '"yesterday"', "5"]) {
      expect(errorOf(() => DateTime.parseLiteral(parseValue(text))).locations, text).toEqual([
        { line: 1, column: 1 },
      ]);
    }
    expect(errorOf(() => Long.parseLiteral(parseValue("1.5"))).locations).toEqual([{ line: 1, column: 1 }]);
  });
});
