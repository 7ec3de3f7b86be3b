import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBound } from "./bounds.ts";

describe("column bounds", () => {
  it("are Iceberg's single-value serialisation", () => {
    expect(encodeBound("int", -2, "lower")?.toString("hex")).toBe("feffffff");
    expect(encodeBound("long", 2n ** 53n, "upper")?.toString("hex")).toBe("0000000000002000");
    expect(encodeBound("timestamptz", -1n, "lower")?.toString("hex")).toBe("ffffffffffffffff");
    expect(encodeBound("double", 1, "lower")?.toString("hex")).toBe("000000000000f03f");
    expect(encodeBound("boolean", true, "upper")?.toString("hex")).toBe("01");
    expect(encodeBound("string", "é", "upper")?.toString("hex")).toBe("c3a9");
  });

  it("cut text to 16 code points on the safe side", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const lower = encodeBound("string", text, "lower") as Buffer;
        const upper = encodeBound("string", text, "upper");
        const bytes = Buffer.from(text, "utf8");
        expect(Buffer.compare(lower, bytes)).toBeLessThanOrEqual(0);
        if (upper !== null) {
          expect(Buffer.compare(upper, bytes)).toBeGreaterThanOrEqual(0);
          expect(Array.from(upper.toString("utf8")).length).toBeLessThanOrEqual(16);
        }
      }),
    );
  });

  it("carry over at the end of the code points, and skip the surrogates", () => {
    const upper = (text: string) => encodeBound("string", text, "upper")?.toString("utf8") ?? null;
    expect(upper(`${"a".repeat(15)}\u{10ffff}x`)).toBe(`${"a".repeat(14)}b`);
    expect(upper(`${"a".repeat(15)}\ud7ffx`)).toBe(`${"a".repeat(15)}\ue000`);
    expect(upper("\u{10ffff}".repeat(17))).toBeNull();
  });
});
