import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./testing/run-cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-produce-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const update = (n: number) => ({
  eventId: `e${n}`,
  productId: `p${n % 7}`,
  updateTime: 1_700_000_000_000 + n,
  warehouseId: "w1",
  kind: "delta",
  quantity: n,
});
const lines = (events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
const parsed = (out: string) =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Runs in a home of the test's own. */
const millrace = (home: string, args: readonly string[], input: string | Readable = "") =>
  runCli([...args, "--home", home], { folder, input });

describe("produce and consume", () => {
  it("give back what was sent, in either format, each key in one partition and in order", async () => {
    const events = Array.from({ length: 300 }, (_, n) => update(n));
    for (const format of ["json", "avro"]) {
      const home = `whole-${format}`;
      const sent = await millrace(
        home,
        ["produce", "inventory-updates", "--format", format, "--json"],
        lines(events),
      );
      expect(sent.code).toBe(0);
      expect(JSON.parse(sent.out)).toMatchObject({ lines: 300, produced: 300, refused: {} });
      const whole = parsed((await millrace(home, ["consume", "inventory-updates", "--json"])).out);
      expect(whole.map(({ format: as }) => as)).toEqual(events.map(() => format));
      expect(whole.map(({ schemaId }) => schemaId)).toEqual(events.map(() => (format === "avro" ? 4 : null)));
      const values = parsed((await millrace(home, ["consume", "inventory-updates"])).out);
      expect(values.toSorted((a, b) => a.quantity - b.quantity)).toEqual(events);
      for (const key of new Set(events.map(({ productId }) => productId))) {
        const records = whole.filter(({ value }) => value.productId === key);
        expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
        expect(records.map(({ value }) => value)).toEqual(
          events.filter(({ productId }) => productId === key),
        );
      }
    }
  });

  it("end at a signal while the input says nothing more, with what was appended", async () => {
    const input = new PassThrough();
    input.write(lines([update(1), update(2)]));
    const others = process.listeners("SIGTERM");
    const producing = millrace("waiting", ["produce", "inventory-updates", "--json"], input);
    const own = () => process.listeners("SIGTERM").filter((listener) => !others.includes(listener));
    await expect.poll(() => own().length > 0 && input.readableLength === 0, { timeout: 20_000 }).toBe(true);
    for (const listener of own()) listener("SIGTERM");
    const { code, out } = await producing;
    expect(code).toBe(0);
    const { produced } = JSON.parse(out);
    const values = parsed((await millrace("waiting", ["consume", "inventory-updates"])).out);
    expect(values).toHaveLength(produced);
  });

  it("refuse lines that are no events, count them by reason and say where, with exit code 1", async () => {
    const file = join(folder, "mixed.ndjson");
    const { eventId: _, ...withoutId } = update(2);
    await writeFile(
      file,
      `${lines([update(1)])}no json\n${lines([withoutId, { ...update(3), kind: "x" }, update(4)])}`,
    );
    const { code, out, err } = await millrace("mixed", ["produce", "inventory-updates", file, "--json"]);
    expect(code).toBe(1);
    expect(err).toContain("3 lines were refused");
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      lines: 5,
      produced: 2,
      refused: { "invalid-json": 1, "missing-field": 1, "unknown-symbol": 1 },
    });
    expect(report.refusedExamples.map(({ line }: { line: number }) => line)).toEqual([2, 3, 4]);
    const values = parsed((await millrace("mixed", ["consume", "inventory-updates"])).out);
    expect(values.map(({ quantity }) => quantity).toSorted()).toEqual([1, 4]);
  });

  it("append nothing of an archive that is cut off", async () => {
    const file = join(folder, "cut.ndjson.gz");
    const whole = gzipSync(lines(Array.from({ length: 20_000 }, (_, n) => update(n))));
    await writeFile(file, whole.subarray(0, whole.length * 0.9));
    const { code, out, err } = await millrace("cut", ["produce", "inventory-updates", file, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out).error.code).toBe("input-corrupt");
    expect(err).toContain("damaged or cut off");
    expect((await millrace("cut", ["consume", "inventory-updates"])).code).toBe(2);
  });

  it("read from an offset on, at most so many, and from the end nothing", async () => {
    const orders = Array.from({ length: 10 }, (_, n) => ({
      eventId: `o${n}`,
      orderId: `o${n}`,
      userId: "u",
      orderTime: 1_700_000_000_000,
      status: "placed",
      totalMinor: n,
      itemCount: 1,
      currency: "EUR",
    }));
    const sent = await millrace("part", ["produce", "orders", "--partitions", "1", "--json"], lines(orders));
    expect(JSON.parse(sent.out).refused).toEqual({});
    const consume = async (...args: string[]) =>
      parsed((await millrace("part", ["consume", "orders", "--partitions", "1", ...args])).out).map(
        ({ totalMinor }) => totalMinor,
      );
    expect(await consume("--from", "6", "--partition", "0", "--max", "3")).toEqual([6, 7, 8]);
    expect(await consume("--from", "end")).toEqual([]);
  });

  it.each([
    [["produce", "alerts"], "carries no events of a contract"],
    [["consume", "nothing"], "there is no topic nothing; there are"],
    [["consume", "orders", "--from", "5"], "with --partition"],
    [["consume", "orders", "--partition", "9"], "partitions 0 to 1, not 9"],
    [["consume", "orders", "--from", "later"], "begin, end or an offset"],
    [["consume", "orders", "--from", "99", "--partition", "0"], "99"],
    [["produce", "orders", "--rate", "0"], "whole number"],
    [["produce", "orders", "absent.ndjson"], "does not exist"],
  ])("answer %j with what to do", async (args, message) => {
    await millrace("wrong", ["topics", "apply"]);
    const { code, out, err } = await millrace("wrong", args);
    expect(code).toBeGreaterThan(0);
    expect(out).toBe("");
    expect(err).toContain(message);
  });
});

describe("topics", () => {
  it("are created by apply, found as declared by check, and differ after a changed setting", async () => {
    const check = (...args: string[]) => millrace("topics", ["topics", "check", "--json", ...args]);
    expect((await millrace("topics", ["topics", "apply"])).code).toBe(0);
    expect(await check()).toMatchObject({ code: 0, out: '{"differences":[]}\n' });
    const more = await check("--partitions", "3");
    expect(more.code).toBe(1);
    expect(JSON.parse(more.out).differences[0]).toMatchObject({
      property: "partitions",
      declared: "3",
      found: "2",
    });
  });
});
