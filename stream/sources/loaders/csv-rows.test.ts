import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CsvOptions, type CsvRow, csvRows } from "./csv-rows.ts";

async function rowsOf(
  bytes: Buffer,
  pieceBytes: number,
  options: CsvOptions = { delimiter: "," },
): Promise<CsvRow[]> {
  async function* pieces() {
    for (let i = 0; i < bytes.length; i += pieceBytes) yield bytes.subarray(i, i + pieceBytes);
  }
  const rows: CsvRow[] = [];
  for await (const some of csvRows(pieces(), options)) for (const row of some) rows.push(row);
  return rows;
}
const fieldsOf = (rows: readonly CsvRow[]) => rows.map((row) => row.fields);

describe("csvRows", () => {
  it("reads what RFC 4180 writes, however the bytes are cut", async () => {
    const field = fc.string({ unit: "binary", maxLength: 8 }).filter((text) => !/[\ud800-\udfff]/.test(text));
    const table = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.integer({ min: 1, max: 30 }),
        fc.boolean(),
        async (rows, pieceBytes, crlf) => {
          const quote = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
          const text = rows.map((row) => row.map(quote).join(",")).join(crlf ? "\r\n" : "\n");
          const source = Buffer.from(text.startsWith("\ufeff") ? `\ufeff${text}` : text);
          expect(fieldsOf(await rowsOf(source, pieceBytes))).toEqual(rows);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("names the first line of a row over several lines", async () => {
    const rows = await rowsOf(Buffer.from('a,b\n"x\ny",2\nc,d\n'), 5);
    expect(rows.map((row) => row.line)).toEqual([1, 2, 4]);
  });

  it("refuses a lost quote and reads the lines after it", async () => {
    const tail = "k,v\n".repeat(400_000);
    const rows = await rowsOf(Buffer.from(`1,"open\n2,"x"y\n3,ok\n${tail}`), 65_536);
    expect(rows[0]).toMatchObject({ line: 1, refusal: "stray-quote" });
    expect(rows[1]).toMatchObject({ line: 2, refusal: "stray-quote" });
    expect(rows[2]).toMatchObject({ line: 3, fields: ["3", "ok"], refusal: null });
    const unclosed = await rowsOf(Buffer.from(`1,"open\n3,ok\n${tail}`), 65_536);
    expect(unclosed[0]).toMatchObject({ line: 1, refusal: "unclosed-quote" });
    expect(unclosed).toHaveLength(400_002);
  });

  it("refuses a row of megabytes without keeping it", async () => {
    const rows = await rowsOf(Buffer.concat([Buffer.alloc(5 << 20, 120), Buffer.from("\nc,d\n")]), 65_536);
    expect(rows.map((row) => [row.line, row.refusal])).toEqual([
      [1, "row-too-long"],
      [2, null],
    ]);
  });

  it("refuses what is not UTF-8, or reads it as Latin-1 where the format says so", async () => {
    const bytes = Buffer.from([97, 44, 0xa3, 10, 98, 44, 99, 10]);
    expect((await rowsOf(bytes, 100)).map((row) => row.refusal)).toEqual(["invalid-utf8", null]);
    const latin1 = await rowsOf(bytes, 100, { delimiter: ",", fallback: "latin1" });
    expect(fieldsOf(latin1)).toEqual([
      ["a", "£"],
      ["b", "c"],
    ]);
  });

  it.each([100, 8])("reads a line as Latin-1 whatever stands around it, in pieces of %i", async (size) => {
    const bytes = Buffer.concat([Buffer.from("café,1\n"), Buffer.from([0xa3, 44, 50, 10])]);
    const rows = await rowsOf(bytes, size, { delimiter: ",", fallback: "latin1" });
    expect(fieldsOf(rows)).toEqual([
      ["café", "1"],
      ["£", "2"],
    ]);
  });
});
