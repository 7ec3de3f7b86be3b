import { describe, expect, it } from "vitest";
import type { InputFile } from "../../evaluation.ts";
import { readPayments } from "./payments.ts";

const HEADER = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD,TX_FRAUD_SCENARIO";

function fileOf(path: string, text: string): InputFile {
  const bytes = new TextEncoder().encode(text);
  return { path, bytes: async () => bytes, text: async () => text, lines: async () => text.split("\n") };
}

describe("readPayments", () => {
  it("reads the handbook's form, whatever the order of its columns", async () => {
    const whole = await readPayments([
      fileOf(
        "a.csv",
        `${HEADER}\n0,2018-04-01 00:00:31,596,3156,57.16,0,0\n1,2018-04-02 00:02:10,4961,3156,81.51,1,2`,
      ),
    ]);
    expect(whole).toMatchObject({ rows: 2, customers: 2, terminals: 1 });
    expect([...whole.timeMs]).toEqual([Date.UTC(2018, 3, 1, 0, 0, 31), Date.UTC(2018, 3, 2, 0, 2, 10)]);
    expect([...whole.amount]).toEqual([57.16, 81.51]);
    expect([...whole.fraud]).toEqual([0, 1]);
    const turned = await readPayments([
      fileOf(
        "b.csv",
        "TX_FRAUD,TX_AMOUNT,TERMINAL_ID,CUSTOMER_ID,TX_DATETIME\n0,57.16,3156,596,2018-04-01 00:00:31\n1,81.51,3156,4961,2018-04-02 00:02:10",
      ),
    ]);
    expect(turned).toEqual(whole);
  });

  it("brings files and rows into one order of time, and keeps which file a row is from", async () => {
    const table = await readPayments([
      fileOf("a.csv", `${HEADER}\n0,2018-04-03 00:00:00,a,x,1,0,0\n1,2018-04-01 00:00:00,b,x,2,0,0`),
      fileOf("b.csv", `${HEADER}\n2,2018-04-04 00:00:00,b,y,4,0,0\n3,2018-04-02 00:00:00,a,y,3,1,0`),
    ]);
    expect([...table.amount]).toEqual([2, 3, 1, 4]);
    expect([...table.file]).toEqual([0, 1, 0, 1]);
    expect([...table.customer]).toEqual([1, 0, 0, 1]);
    expect([...table.fraud]).toEqual([0, 1, 0, 0]);
  });

  const good = "0,2018-04-01 00:00:31,596,3156,57.16,0,0";
  it.each([
    ["nothing", "", "p.csv cannot be used: it has no rows"],
    ["a header alone", HEADER, "p.csv cannot be used: it has no rows"],
    [
      "no amounts",
      "TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_FRAUD\n1,1,1,1",
      "line 1: it has no column TX_AMOUNT",
    ],
    ["a row cut off", `${HEADER}\n${good}\n1,2018-04-01`, "line 3: 2 cells, the header has 7"],
    [
      "a time of another form",
      `${HEADER}\n0,01/04/2018,5,3,57.16,0,0`,
      'line 2: column TX_DATETIME: found "01/04/2018"',
    ],
    ["a day that is none", `${HEADER}\n0,2018-13-01 00:00:31,5,3,5,0,0`, "line 2: column TX_DATETIME"],
    ["a customer missing", `${HEADER}\n0,2018-04-01 00:00:31,,3,5,0,0`, "line 2: column CUSTOMER_ID"],
    [
      "no number for an amount",
      `${HEADER}\n${good}\n0,2018-04-01 00:00:31,5,3,x,0,0`,
      'line 3: column TX_AMOUNT: found "x"',
    ],
    ["an empty amount", `${HEADER}\n0,2018-04-01 00:00:31,5,3,,0,0`, "line 2: column TX_AMOUNT"],
    ["a negative amount", `${HEADER}\n0,2018-04-01 00:00:31,5,3,-1,0,0`, "line 2: column TX_AMOUNT"],
    ["a label that is none", `${HEADER}\n0,2018-04-01 00:00:31,5,3,1,maybe,0`, "line 2: column TX_FRAUD"],
  ])("refuses a file with %s", async (_, text, message) => {
    const reading = readPayments([fileOf("p.csv", text)]);
    await expect(reading).rejects.toMatchObject({
      code: "file-unusable",
      origin: "user",
      message: expect.stringContaining(message),
    });
  });
});
