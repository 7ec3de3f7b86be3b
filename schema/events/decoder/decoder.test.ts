import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { columnValue, KeyDictionary, type RefusalReason } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";
import { encodeAvro, encodeJson } from "../encode.ts";
import { type CustomerEvent, contracts, customerEventContract, orderContract } from "../generated/index.ts";
import { numberedSchemas } from "../writer-schema.ts";
import { createDecoder } from "./create-decoder.ts";
import { recordBatch, rows } from "./test-records.ts";

const utf8 = new TextEncoder();
const event: CustomerEvent = {
  eventId: "e-1",
  eventType: "item_view",
  eventTime: 1_730_000_000_123,
  userId: "u1",
  productId: "p1",
  priceMinor: 1999,
};
const text = new TextDecoder().decode(encodeJson(customerEventContract, event));

function decodeAll(
  records: readonly (string | Uint8Array)[],
  contract: EventContract = customerEventContract,
) {
  const decoder = createDecoder(contract);
  const bytes = records.map((record) => (typeof record === "string" ? utf8.encode(record) : record));
  const batch = decoder.decode(recordBatch(bytes), 0, records.length);
  return { batch, rows: rows(batch), refusals: decoder.refusals };
}

describe("decoder", () => {
  test.each(contracts)(
    "a batch of $topic is no hash table of its columns, which operators look up for each row",
    (contract) => {
      setFlagsFromString("--allow-natives-syntax");
      const hasLayout = runInThisContext("(object) => %HasFastProperties(object)") as (
        object: object,
      ) => boolean;
      expect(hasLayout(createDecoder(contract).batch)).toBe(true);
      const named = { ...createDecoder(contract).batch };
      Reflect.deleteProperty(named, "topic");
      expect(hasLayout(named)).toBe(false);
    },
  );

  test("JSON and Avro records of one event give equal rows", () => {
    const { rows: made } = decodeAll([text, encodeAvro(customerEventContract, event)]);
    expect(made[0]).toMatchObject(event);
    expect(made[0].sessionId).toBeNull();
    expect(made[1]).toEqual(made[0]);
  });

  test("a row knows its offset and ingest time, and refused records leave holes", () => {
    const { batch, refusals } = decodeAll([text, "{", text]);
    expect([...batch.offset.subarray(0, batch.length)]).toEqual([1000, 1002]);
    expect(batch.ingestedAt[1]).toBe(1_800_000_000_000);
    expect(batch).toMatchObject({ topic: "test", partition: 3 });
    expect(refusals[0]).toMatchObject({ offset: 1001, topic: "test", partition: 3, recordBytes: 1 });
    expect(refusals[0].bytes).toEqual(utf8.encode("{"));
  });

  test("in a batch that was joined of several, a record's time is its own", () => {
    const decoder = createDecoder(customerEventContract, { futureSkewMs: 1000 });
    const [before, due] = [event.eventTime - 1001, event.eventTime - 1000];
    const records = recordBatch([text, "{", text, text].map((record) => utf8.encode(record)));
    const ingestTimes = Float64Array.of(before, before, due, event.eventTime);
    const batch = decoder.decode({ ...records, ingestedAt: before, ingestTimes }, 0, 4);
    expect([...batch.offset.subarray(0, batch.length)]).toEqual([1002, 1003]);
    expect([...batch.ingestedAt.subarray(0, batch.length)]).toEqual([due, event.eventTime]);
    expect(decoder.refusals.map(({ reason, ingestedAt }) => [reason, ingestedAt])).toEqual([
      ["time-in-future", before],
      ["invalid-json", before],
    ]);
  });

  test.each<[string, string | Uint8Array, RefusalReason, string | null]>([
    ["no bytes", "", "empty", null],
    ["only blanks", " \n", "empty", null],
    ["truncated JSON", text.slice(0, -1), "invalid-json", null],
    ["text that runs into the next record", text.slice(0, -30), "invalid-json", null],
    ["trailing garbage", `${text}x`, "invalid-json", null],
    [
      "no opening brace",
      text.replace('{"eventId":"e-1"', "").replace("}", ',"eventId":"e-1"}'),
      "invalid-json",
      null,
    ],
    ["a control character in text", text.replace("u1", "u\n1"), "invalid-json", null],
    ["NUL bytes in text", text.replace("u1", "u\u00001"), "invalid-json", null],
    [
      "invalid UTF-8",
      Uint8Array.from([...utf8.encode(text)].map((b, i) => (i === 13 ? 0xff : b))),
      "invalid-utf8",
      null,
    ],
    ["an array", "[1]", "wrong-type", null],
    ["a missing field", text.replace('"userId":"u1",', ""), "missing-field", "userId"],
    ["null in a required field", text.replace('"u1"', "null"), "missing-field", "userId"],
    ["empty required text", text.replace('"u1"', '""'), "out-of-range", "userId"],
    ["a number as text", text.replace('"u1"', "1"), "wrong-type", "userId"],
    ["text as a number", text.replace("1999", '"1999"'), "wrong-type", "priceMinor"],
    ["a fraction as an integer", text.replace("1999", "19.99"), "wrong-type", "priceMinor"],
    ["an unknown symbol", text.replace("item_view", "item_vieW"), "unknown-symbol", "eventType"],
    ["a negative time", text.replace("1730000000123", "-1"), "out-of-range", "eventTime"],
    ["a huge number", text.replace("1999", "9007199254740992"), "out-of-range", "priceMinor"],
    ["an infinite number", text.replace("1999", "1e999"), "out-of-range", "priceMinor"],
    ["text that is too long", text.replace("u1", "u".repeat(257)), "out-of-range", "userId"],
    ["a record that is too large", `${text}${" ".repeat(1 << 20)}`, "too-large", null],
    ["NUL bytes", new Uint8Array(12), "unknown-schema", null],
    ["a lone zero byte", new Uint8Array(1), "invalid-avro", null],
    ["another contract's Avro", Uint8Array.of(0, 0, 0, 0, 2, 2, 2), "unknown-schema", null],
    ["truncated Avro", encodeAvro(customerEventContract, event).slice(0, 12), "invalid-avro", "eventTime"],
  ])("refuses %s, and goes on", (_, record, reason, field) => {
    const { rows: made, refusals } = decodeAll([text, record, text]);
    expect(refusals.map((refusal) => [refusal.reason, refusal.field])).toEqual([[reason, field]]);
    expect(refusals[0].detail).not.toBe("");
    expect(made).toHaveLength(2);
    expect(made[1]).toEqual(made[0]);
  });

  test("numbers are integers by value, and the last of duplicate keys wins", () => {
    const { rows: made } = decodeAll([
      text.replace("1999", "1999.0"),
      text.replace("1999", "1.999e3"),
      text.replace("1999", '1,"priceMinor":1999'),
      text.replace('"userId"', '"us\\u0065rId"'),
    ]);
    for (const row of made) expect(row).toMatchObject(event);
    expect(made).toHaveLength(4);
  });

  test("escapes and plain text live in one batch, keys included", () => {
    const { rows: made } = decodeAll([
      text,
      text.replace("u1", "u\\u0031"),
      text.replace("p1", "\\ud83d\\ude00\\n\\ud83d"),
    ]);
    expect(made.map((row) => row.userId)).toEqual(["u1", "u1", "u1"]);
    expect(made.map((row) => row.productId)).toEqual(["p1", "p1", "😀\n\ufffd"]);
    expect(made.map((row) => row.eventId)).toEqual(["e-1", "e-1", "e-1"]);
  });

  test("unknown members are kept verbatim, known ones are read around them", () => {
    const odd = `{"a" : [1, {"b":"}"}], ${text.slice(1, -1)},"ключ":1.50 }`;
    const { batch, rows: made } = decodeAll([text, odd, text]);
    expect(made[1]).toEqual(made[0]);
    expect(columnValue(batch.extra, 0)).toBeNull();
    expect(columnValue(batch.extra, 1)).toBe('{"a":[1, {"b":"}"}],"ключ":1.50}');
    expect(columnValue(batch.extra, 2)).toBeNull();
  });

  test("a json field keeps its text verbatim", () => {
    const order = {
      eventId: "e",
      orderId: "o",
      orderTime: 1,
      userId: "u",
      status: "paid",
      currency: "EUR",
      totalMinor: 5,
    } as const;
    const json = new TextDecoder().decode(encodeJson(orderContract, { ...order, itemCount: 1 }));
    const { rows: made } = decodeAll([`${json.slice(0, -1)},"lines":[ {"a":1.0} ]}`], orderContract);
    expect(made[0].lines).toBe('[ {"a":1.0} ]');
  });

  test("keys are interned in the dictionaries given, those of refused records are not", () => {
    const users = new KeyDictionary("users");
    const decoder = createDecoder(customerEventContract, { keys: { userId: users } });
    const records = [text, text.replace("u1", "u2").replace("1999", "-1"), text.replace("u1", "u3")].map(
      (r) => utf8.encode(r),
    );
    const batch = decoder.decode(recordBatch(records), 0, 3);
    expect([...batch.userId.ids.subarray(0, 2)]).toEqual([0, 1]);
    expect([users.text(0), users.text(1), users.size]).toEqual(["u1", "u3", 2]);
  });

  test("a range of a batch is decoded as the whole is; nothing is left from the batch before", () => {
    const decoder = createDecoder(customerEventContract, { capacity: 2 });
    const full = text.replace("}", ',"country":"DE","x":1}');
    const records = recordBatch([full, full, text, text].map((record) => utf8.encode(record)));
    decoder.decode(records, 0, 2);
    const batch = decoder.decode(records, 2, 4);
    expect(rows(batch).map((row) => [row.country, row.priceMinor])).toEqual([
      [null, 1999],
      [null, 1999],
    ]);
    expect(columnValue(batch.extra, 0)).toBeNull();
    expect([...batch.offset]).toEqual([1002, 1003]);
    expect(() => decoder.decode(records, 0, 3)).toThrow("has room for 2");
    expect(decoder.decode(records, 1, 1).length).toBe(0);
  });

  test("bytes without padding, and a Buffer, are read too", () => {
    const whole = recordBatch([utf8.encode(text)]);
    const bare = { ...whole, bytes: whole.bytes.slice(0, whole.ends[0]) };
    expect(rows(createDecoder(customerEventContract).decode(bare, 0, 1))[0]).toMatchObject(event);
    const buffer = { ...whole, bytes: Buffer.from(whole.bytes) };
    expect(rows(createDecoder(customerEventContract).decode(buffer, 0, 1))[0]).toMatchObject(event);
  });

  test("an event time beyond the allowed skew is refused, in JSON and in Avro", () => {
    const decoder = createDecoder(customerEventContract, { futureSkewMs: 1000 });
    const records = [utf8.encode(text), encodeAvro(customerEventContract, event)];
    expect(decoder.decode(recordBatch(records, event.eventTime - 1000), 0, 2).length).toBe(2);
    expect(decoder.decode(recordBatch(records, event.eventTime - 1001), 0, 2).length).toBe(0);
    expect(decoder.refusals.map(({ reason, field }) => [reason, field])).toEqual(
      Array(2).fill(["time-in-future", "eventTime"]),
    );
  });

  test.each([2n ** 53n - 1n, 1n - 2n ** 53n, -8_385_235_121_846_199n, -1n, 0n])(
    "Avro long %s is exact",
    (value) => {
      const order = {
        eventId: "e",
        orderId: "o",
        orderTime: 1,
        userId: "u",
        status: "paid",
        currency: "EUR",
      } as const;
      const small = encodeAvro(orderContract, { ...order, totalMinor: 0, itemCount: 1 });
      const varint: number[] = [];
      let rest = value < 0n ? -2n * value - 1n : 2n * value;
      for (; rest > 127n; rest >>= 7n) varint.push(Number(rest & 127n) | 128);
      varint.push(Number(rest));
      // totalMinor 0 is the byte before itemCount's and the six nulls.
      const at = small.length - 8;
      const record = Uint8Array.from([...small.subarray(0, at), ...varint, ...small.subarray(at + 1)]);
      expect(decodeAll([record], orderContract).rows[0].totalMinor).toBe(Number(value));
    },
  );

  test("Avro of an older version is read into the newest: added null, dropped kept as extra, symbols by name", () => {
    const [id, type, ...rest] = customerEventContract.fields;
    const newest: EventContract = {
      ...customerEventContract,
      version: 2,
      fields: [
        { ...rest[2], name: "campaign", column: "campaign" },
        id,
        { ...type, symbols: ["share", ...type.symbols!] },
        ...rest.filter((field) => field.name !== "priceMinor"),
      ],
    };
    const decoder = createDecoder(newest, { schemas: numberedSchemas([customerEventContract, newest]) });
    const batch = decoder.decode(recordBatch([encodeAvro(customerEventContract, event, 1)]), 0, 1);
    const { priceMinor, ...kept } = event;
    expect(rows(batch)[0]).toMatchObject({ ...kept, campaign: null });
    expect(columnValue(batch.extra, 0)).toBe(`{"priceMinor":${priceMinor}}`);
  });

  test.each(contracts.map((contract) => [contract.name, contract] as const))(
    "%s has a usual reader that agrees",
    (_, contract) => {
      const values = { string: "x", json: [1], int: 1, long: 2, double: 0.5, boolean: true, timestamp: 3 };
      const full = Object.fromEntries(
        contract.fields.map((field) => [
          field.name,
          field.type === "enum" ? field.symbols?.at(-1) : values[field.type],
        ]),
      );
      const reversed = Object.fromEntries(Object.entries(full).reverse());
      const { rows: made, refusals } = decodeAll(
        [JSON.stringify(full), JSON.stringify(reversed), encodeAvro(contract, full)],
        contract,
      );
      expect(refusals).toEqual([]);
      expect(made[1]).toEqual(made[0]);
      expect(made[2]).toEqual(made[0]);
    },
  );
});
