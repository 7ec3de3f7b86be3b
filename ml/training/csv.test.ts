import { describe, expect, it } from "vitest";
import { parseCsv } from "./csv.ts";

describe("parseCsv", () => {
  it("reads quoted cells, empty ones, every line end and a byte order mark", () => {
    const table = parseCsv('\uFEFFa,b,c\r\n1,"x, ""y""\nz",\n,,3\r4,5,6', "test");
    expect(table.header).toEqual(["a", "b", "c"]);
    expect(table.rows).toEqual([
      ["1", 'x, "y"\nz', ""],
      ["", "", "3"],
      ["4", "5", "6"],
    ]);
  });

  it("skips blank lines and takes a file that ends in a comma", () => {
    expect(parseCsv("a,b\n\n1,\n\n2,", "test").rows).toEqual([
      ["1", ""],
      ["2", ""],
    ]);
  });

  it.each([
    ["nothing", "", /no rows/],
    ["a header alone", "a,b\n", /no rows/],
    ["a short row", "a,b\n1,2\n3\n", "test cannot be used: line 3: 1 cells, the header has 2"],
  ])("refuses a file with %s", (_, text, message) => {
    expect(() => parseCsv(text, "test")).toThrow(message);
    expect(() => parseCsv(text, "test")).toThrow(expect.objectContaining({ code: "file-unusable" }));
  });
});
