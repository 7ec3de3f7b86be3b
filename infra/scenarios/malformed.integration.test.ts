import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AppendBatch,
  endOfInput,
  FORMAT_NAMES,
  loadInto,
  RecordWriter,
  SeededRandom,
} from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { Platform } from "../platform/platform.ts";
import type { Row } from "./testing/lake-reader.ts";
import {
  CollectedLog,
  dataFile,
  freshFolder,
  REES46,
  removeFolder,
  scenarioConfig,
} from "./testing/scenario-home.ts";

const HOUR_MS = 3_600_000;
const BIG_BYTES = 10 << 20;
const utf8 = new TextEncoder();

let folder: string;
let config: Config;
let platform: Platform;
const log = new CollectedLog();

beforeAll(async () => {
  folder = freshFolder("malformed");
  config = scenarioConfig(join(folder, "home"));
  platform = await Platform.open(config, log);
  await platform.startWorkers();
});
afterAll(async () => {
  await platform?.close();
  removeFolder(folder);
});

async function query(sql: string): Promise<readonly Row[]> {
  return (await platform.queryEngine.query(sql, [])).rows as readonly Row[];
}

const event = {
  eventId: "e-0",
  eventType: "item_view",
  eventTime: Date.UTC(2024, 4, 1),
  userId: "u1",
  productId: "p1",
  priceMinor: 1999,
};
const text = JSON.stringify(event);
const withByte = (byte: number): Uint8Array => {
  const bytes = utf8.encode(text);
  bytes[13] = byte;
  return bytes;
};
const big = (): Uint8Array =>
  utf8.encode(JSON.stringify({ ...event, query: "x".repeat(BIG_BYTES - text.length) }));

/** What, the record, the reason, the field. */
const RECORDS: readonly (readonly [string, string | Uint8Array, string, string | null])[] = [
  ["truncated JSON", text.slice(0, -20), "invalid-json", null],
  ["truncated in the middle of a number", text.slice(0, text.indexOf("1999") + 2), "invalid-json", null],
  ["two records in one", text + text, "invalid-json", null],
  ["a bracket too deep", "[".repeat(500_000), "invalid-json", null],
  ["not an object", `[${text}]`, "wrong-type", null],
  ["text for a number", text.replace("1999", '"1999"'), "wrong-type", "priceMinor"],
  ["a number for text", text.replace('"u1"', "7"), "wrong-type", "userId"],
  ["a fraction for minor units", text.replace("1999", "19.99"), "wrong-type", "priceMinor"],
  ["an object for text", text.replace('"u1"', '{"id":"u1"}'), "wrong-type", "userId"],
  ["an unknown enum", text.replace("item_view", "item_stare"), "unknown-symbol", "eventType"],
  ["a negative time", text.replace(String(event.eventTime), "-1"), "out-of-range", "eventTime"],
  ["a negative price", text.replace("1999", "-1999"), "out-of-range", "priceMinor"],
  ["no user", text.replace('"userId":"u1",', ""), "missing-field", "userId"],
  ["10 MB", big(), "too-large", null],
  ["invalid UTF-8", withByte(0xff), "invalid-utf8", null],
  ["a NUL byte within a text", withByte(0), "invalid-json", null],
  // A first byte of zero announces Avro, and a schema that nobody has.
  ["NUL bytes alone", new Uint8Array(64), "unknown-schema", null],
  ["a number beyond every double", text.replace("1999", "1e400"), "out-of-range", "priceMinor"],
  ["an integer beyond 2^53", text.replace("1999", "9007199254740993"), "out-of-range", "priceMinor"],
  [
    "a time beyond every calendar",
    text.replace(String(event.eventTime), "9e15"),
    "out-of-range",
    "eventTime",
  ],
  ["no bytes", "", "empty", null],
  ["blanks", " \n\t ", "empty", null],
  [
    "a time in two hours",
    text.replace(String(event.eventTime), String(Date.now() + 2 * HOUR_MS)),
    "time-in-future",
    "eventTime",
  ],
];

describe("malformed records", () => {
  const valid = (number: number): string =>
    JSON.stringify({ ...event, eventId: `good-${number}`, userId: `user-${number}` });

  /** A valid record, then for each malformed one itself and another valid one. */
  function mixed(): AppendBatch {
    const writer = new RecordWriter(BIG_BYTES * 2);
    const put = (record: string | Uint8Array): void => {
      const bytes = typeof record === "string" ? utf8.encode(record) : record;
      writer.begin(bytes.length);
      writer.raw(bytes);
      writer.end();
    };
    put(valid(0));
    for (const [i, [, record]] of RECORDS.entries()) {
      put(record);
      put(valid(i + 1));
    }
    return writer.take("customer-events", 0);
  }

  it("become a dead letter each, with reason, field and bytes, and the valid ones around them go on", async () => {
    await platform.log.append([mixed()]);
    await platform.log.append([endOfInput("customer-events", 0), endOfInput("customer-events", 1)]);
    await platform.waitUntilProcessed();
    const letters = await query(
      `SELECT _topic, _partition, _offset, reason, field, detail, record_base64, record_bytes
       FROM {bronze.dead_letters} ORDER BY _offset`,
    );
    const found = letters.map(({ _offset, reason, field }) => [
      RECORDS[(Number(_offset) - 1) / 2]?.[0],
      reason,
      field,
    ]);
    expect(found).toEqual(RECORDS.map(([what, , reason, field]) => [what, reason, field]));
    for (const [i, letter] of letters.entries()) {
      const [what, record] = RECORDS[i];
      const bytes = typeof record === "string" ? Buffer.from(record) : Buffer.from(record);
      const kept = Buffer.from(String(letter.record_base64), "base64");
      expect(letter.detail, what).not.toBe("");
      expect(Number(letter.record_bytes), what).toBe(bytes.length);
      expect(bytes.subarray(0, kept.length).equals(kept), what).toBe(true);
      expect(kept.length, what).toBeGreaterThanOrEqual(Math.min(bytes.length, 1024));
    }
    for (const table of ["bronze.customer_events", "silver.events", "silver.sessions"]) {
      const column = table === "silver.sessions" ? "user_id" : "event_id";
      const rows = await query(`SELECT ${column} AS id FROM {${table}} ORDER BY ${column}`);
      const prefix = table === "silver.sessions" ? "user" : "good";
      const expected = Array.from({ length: RECORDS.length + 1 }, (_, i) => `${prefix}-${i}`).sort();
      expect(
        rows.map(({ id }) => id),
        table,
      ).toEqual(expected);
    }
    expect(log.complaints).toEqual([]);
  });

  it("of a clock that is as fast as is let pass take no event of others out of windows and sessions", async () => {
    const at = Date.now();
    const writer = new RecordWriter(1024);
    const put = (user: string, eventTime: number): void => {
      const record = JSON.stringify({ ...event, eventId: user, userId: user, eventTime });
      writer.begin(record.length);
      writer.text(record);
      writer.end();
    };
    put("fast", at + config.futureSkewMs - 1000);
    for (let i = 0; i < 20; i++) put(`punctual-${i}`, at - i);
    await platform.log.append([writer.take("customer-events", 0), endOfInput("customer-events", 0)]);
    await platform.waitUntilProcessed();
    const [{ users }] = await query(
      "SELECT count(DISTINCT user_id)::INTEGER AS users FROM {silver.sessions} WHERE user_id LIKE 'punctual-%'",
    );
    expect(users).toBe(20);
    expect(log.complaints).toEqual([]);
  });

  it("that a contract takes, of the highest price and quantity, stop nothing: their sums stay at 2^53 - 1", async () => {
    const writer = new RecordWriter(1024);
    for (let i = 0; i < 6; i++) {
      const most = {
        priceMinor: Number.MAX_SAFE_INTEGER,
        quantity: 2 ** 31 - 1,
        currency: "EUR",
        categoryId: "most",
      };
      const bought = {
        eventId: `most-${i}`,
        eventType: "purchase",
        userId: `rich-${i % 2}`,
        orderId: `most-${i}`,
      };
      const record = JSON.stringify({ ...event, ...most, ...bought, eventTime: Date.UTC(2024, 5, 1) + i });
      writer.begin(record.length);
      writer.text(record);
      writer.end();
    }
    await platform.log.append([writer.take("customer-events", 1), endOfInput("customer-events", 1)]);
    await platform.waitUntilProcessed();
    const sums = await query(`
      SELECT user_id AS key, revenue_minor::VARCHAR AS sum FROM {silver.sessions} WHERE user_id LIKE 'rich-%'
      UNION ALL SELECT category_id, max_by(revenue_minor, revision)::VARCHAR FROM {gold.revenue_by_category}
      WHERE category_id = 'most' GROUP BY category_id ORDER BY key`);
    const most = String(Number.MAX_SAFE_INTEGER);
    expect(sums).toEqual(["most", "rich-0", "rich-1"].map((key) => ({ key, sum: most })));
    expect(log.complaints).toEqual([]);
  });

  it("of every other topic become dead letters too", async () => {
    const topics = (await platform.log.topics()).map(({ name }) => name);
    const inputs = topics.filter((name) => !["customer-events", "product-panes", "alerts"].includes(name));
    expect(inputs).toHaveLength(8);
    for (const topic of inputs) {
      const writer = new RecordWriter(64);
      for (const record of ["{", "{}", "null"]) {
        writer.begin(record.length);
        writer.text(record);
        writer.end();
      }
      await platform.log.append([writer.take(topic, 1)]);
    }
    await platform.waitUntilProcessed();
    const rows = await query(
      `SELECT _topic, string_agg(reason, ' ' ORDER BY _offset) AS reasons FROM {bronze.dead_letters}
       WHERE _topic <> 'customer-events' GROUP BY _topic ORDER BY _topic`,
    );
    expect(rows).toEqual(
      inputs.sort().map((topic) => ({ _topic: topic, reasons: "invalid-json missing-field wrong-type" })),
    );
    expect(log.complaints).toEqual([]);
  });
});

describe("a file that is none", () => {
  const file = (name: string, content: Uint8Array | string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const binary = (): Buffer => {
    const random = new SeededRandom(7);
    return Buffer.from(Uint8Array.from({ length: 100_000 }, () => random.below(256)));
  };
  const ends = async (): Promise<number[]> =>
    Promise.all([0, 1].map(async (p) => (await platform.log.offsets("customer-events", p)).end));

  it.each(FORMAT_NAMES)("is refused with a clear message as %s, and nothing is appended", async (format) => {
    mkdirSync(join(folder, "a-folder"), { recursive: true });
    const cases: readonly (readonly [string, string, RegExp])[] = [
      [file("empty", ""), "input-empty", /empty is empty/],
      [join(folder, "a-folder"), "input-not-a-file", /a-folder is a directory: name one file in it/],
      [join(folder, "no-such-file"), "input-missing", /no-such-file does not exist/],
      [file("binary", binary()), "wrong-format", /binary is not /],
      [file("zeros", new Uint8Array(5000)), "wrong-format", /zeros is not /],
      [file("blank", "\n\n\n"), "wrong-format", /blank is not /],
      [file("binary.gz", gzipSync(binary())), "wrong-format", /binary\.gz is not /],
      [
        file("no-gzip.gz", Buffer.concat([Buffer.of(0x1f, 0x8b), binary()])),
        "input-corrupt",
        /damaged or cut off/,
      ],
      [file("stub.gz", gzipSync(text).subarray(0, 12)), "input-corrupt", /damaged or cut off/],
    ];
    const before = await ends();
    for (const [path, code, message] of cases) {
      const load = loadInto(platform.log, format, path, { now: Date.now });
      await expect(load, path).rejects.toMatchObject({
        code,
        origin: "user",
        message: expect.stringMatching(message) as string,
      });
    }
    expect(await ends()).toEqual(before);
  });

  it("leaves nothing behind of a damaged archive, so that the whole one is loaded once", async () => {
    const whole = readFileSync(dataFile(REES46));
    const cut = file("cut.csv.gz", whole.subarray(0, Math.floor(whole.length / 2)));
    await expect(loadInto(platform.log, "rees46", cut, { now: Date.now })).rejects.toMatchObject({
      code: "input-corrupt",
      origin: "user",
    });
    const report = await loadInto(platform.log, "rees46", dataFile(REES46), { now: Date.now });
    expect(report.rowsRead).toBe(17_434);
    await platform.waitUntilProcessed();
    const [{ rows }] = await query(
      "SELECT count(*)::INTEGER AS rows FROM {bronze.customer_events} WHERE event_id LIKE 'rees46-%'",
    );
    expect(rows).toBe(17_434);
    expect(log.complaints).toEqual([]);
  });
});
