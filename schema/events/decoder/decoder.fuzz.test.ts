import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { columnValue, type EventBatch, type EventDecoder } from "../../columns/index.ts";
import type { ContractField, EventContract } from "../contract.ts";
import { avroType, encodeAvro } from "../encode.ts";
import { customerEventContract, orderContract } from "../generated/index.ts";
import { validateEvent } from "../validate.ts";
import { numberedSchemas } from "../writer-schema.ts";
import { createDecoder } from "./create-decoder.ts";
import { RecordMaker } from "./fuzz-records.ts";
import { recordBatch } from "./test-records.ts";

const seed = Number(process.env.MILLRACE_FUZZ_SEED ?? 20_261_121);
const BATCH = 500;
const FUTURE_SKEW_MS = 200_000_000_000_000;
const INGESTED_AT = 1_800_000_000_000;

/** Every type, required and nullable, and more fields than the usual reader has bits for. */
const everyType: EventContract = {
  ...orderContract,
  name: "every-type",
  fields: [
    ...orderContract.fields.slice(0, 4),
    ...(["string", "json", "int", "long", "double", "boolean", "timestamp"] as const).flatMap((type) =>
      [false, true].map(
        (nullable): ContractField => ({
          ...orderContract.fields[0],
          name: `${type}${nullable ? "Nullable" : "Required"}`,
          type,
          nullable,
          key: type === "string" && nullable,
          min:
            type === "int"
              ? -(2 ** 31)
              : type === "long"
                ? Number.MIN_SAFE_INTEGER
                : type === "timestamp"
                  ? 0
                  : null,
          max:
            type === "int"
              ? 2 ** 31 - 1
              : type === "long"
                ? Number.MAX_SAFE_INTEGER
                : type === "timestamp"
                  ? 1e14
                  : null,
          maxBytes: type === "string" || type === "json" ? 60 : null,
        }),
      ),
    ),
    ...Array.from({ length: 16 }, (_, i) => ({ ...orderContract.fields[9], name: `more${i}` })),
  ],
};

type Outcome =
  | { readonly reason: string; readonly field: string | null }
  | { readonly values: unknown[]; readonly extra: unknown };

/** What JSON.parse and validateEvent say of a record. */
function parsed(contract: EventContract, bytes: Uint8Array): Outcome {
  if (bytes.length === 0) return { reason: "empty", field: null };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { reason: "invalid-utf8", field: null };
  }
  if (text.trim() === "") return { reason: "empty", field: null };
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: "invalid-json", field: null };
  }
  const result = validateEvent(contract, value);
  if (!result.ok) return { reason: result.reason, field: result.field };
  return accepted(contract, value);
}

function accepted(contract: EventContract, value: Readonly<Record<string, unknown>>): Outcome {
  if ((value[contract.timeField] as number) > INGESTED_AT + FUTURE_SKEW_MS) {
    return { reason: "time-in-future", field: contract.timeField };
  }
  const names = new Set(contract.fields.map((field) => field.name));
  const unknown = Object.entries(value).filter(([name]) => !names.has(name));
  return {
    values: contract.fields.map((field) =>
      plain(field, Object.hasOwn(value, field.name) ? value[field.name] : null),
    ),
    extra: unknown.length === 0 ? null : Object.fromEntries(unknown),
  };
}

function plain(field: ContractField, value: unknown): unknown {
  if (typeof value === "string") return Buffer.from(value).toString();
  // An integer column has no negative zero.
  return typeof value === "number" && field.type !== "double" ? value + 0 : (value ?? null);
}

/** What the decoder made of each record of a batch, by index. */
function outcomes(
  contract: EventContract,
  decoder: EventDecoder<EventBatch>,
  records: readonly Uint8Array[],
): Outcome[] {
  const batch = decoder.decode(recordBatch(records, INGESTED_AT), 0, records.length);
  const made: Outcome[] = [];
  for (const refusal of decoder.refusals)
    made[refusal.offset - 1000] = { reason: refusal.reason, field: refusal.field };
  for (let row = 0; row < batch.length; row++) {
    const values = batch.columns.map((column, index) => {
      const value = columnValue(column, row);
      return contract.fields[index].type === "json" && value !== null ? JSON.parse(value as string) : value;
    });
    const extra = columnValue(batch.extra, row);
    made[batch.offset[row] - 1000] = { values, extra: extra === null ? null : JSON.parse(extra as string) };
  }
  return made;
}

/** A json field longer than allowed is a problem of the raw text, which validateEvent does not see. */
function jsonTooLong(contract: EventContract, made: Outcome): boolean {
  if (!("reason" in made) || made.reason !== "out-of-range") return false;
  return contract.fields.find((field) => field.name === made.field)?.type === "json";
}

function describeRecord(bytes: Uint8Array): string {
  return `seed ${seed}: ${JSON.stringify(Buffer.from(bytes).toString("latin1"))}`;
}

describe(`decoder on random and damaged records, seed ${seed}`, () => {
  test.each([
    [customerEventContract as EventContract, 40_000],
    [orderContract as EventContract, 15_000],
    [everyType, 15_000],
  ])("JSON: $name equals JSON.parse and validateEvent", (contract, count) => {
    const maker = new RecordMaker(seed);
    const decoder = createDecoder(contract, { futureSkewMs: FUTURE_SKEW_MS });
    const utf8 = new TextEncoder();
    let taken = 0;
    for (let done = 0; done < count; done += BATCH) {
      const records = Array.from({ length: BATCH }, () => {
        const record = utf8.encode(maker.json(maker.event(contract)));
        const damaged = maker.chance(0.3) ? maker.damage(record) : record;
        // A leading zero byte would make it an Avro record.
        return damaged[0] === 0 ? record : damaged;
      });
      const made = outcomes(contract, decoder, records);
      for (const [index, record] of records.entries()) {
        const expected = parsed(contract, record);
        if ("values" in expected) taken++;
        if (jsonTooLong(contract, made[index])) continue;
        if (!isDeepStrictEqual(made[index], expected))
          expect(made[index], describeRecord(record)).toEqual(expected);
      }
    }
    expect(taken).toBeGreaterThan(count / 4);
    expect(taken).toBeLessThan(count);
  });

  test.each([
    [customerEventContract as EventContract, 15_000],
    [everyType, 15_000],
  ])("Avro: $name equals avsc and validateEvent", (contract, count) => {
    const maker = new RecordMaker(seed + 1);
    const decoder = createDecoder(contract, {
      schemas: numberedSchemas([contract]),
      futureSkewMs: FUTURE_SKEW_MS,
    });
    for (let done = 0; done < count; done += BATCH) {
      const whole = Array.from({ length: BATCH }, () => encodeAvro(contract, maker.event(contract), 1));
      const records = whole.map((record) => {
        if (!maker.chance(0.4)) return record;
        return Uint8Array.from([...record.subarray(0, 5), ...maker.damage(record.subarray(5))]);
      });
      const made = outcomes(contract, decoder, records);
      for (const [index, record] of records.entries()) checkAvro(contract, record, made[index]);
    }
  });
});

/** avsc reads some malformed records (see the cases); apart from these both must agree. */
function checkAvro(contract: EventContract, record: Uint8Array, made: Outcome): void {
  const body = Buffer.from(record.subarray(5));
  let value: Record<string, unknown>;
  try {
    value = { ...(avroType(contract).fromBuffer(body) as Record<string, unknown>) };
  } catch (error) {
    // avsc cannot hold an integer beyond 2^53; for us it is out of the field's range.
    const reasons = /precision/.test(String(error))
      ? ["out-of-range", "invalid-avro", "invalid-utf8", "wrong-type"]
      : ["invalid-avro"];
    expect("reason" in made ? reasons : "taken", describeRecord(record)).toContain(
      (made as { reason: string }).reason,
    );
    return;
  }
  if ("reason" in made && made.reason === "invalid-avro") {
    // Booleans that are neither 0 nor 1, overlong integers: no encoder writes them.
    expect(avroType(contract).toBuffer(value).equals(body), describeRecord(record)).toBe(false);
    return;
  }
  const texts = Object.values(value).filter((text) => typeof text === "string");
  if (texts.some((text) => text.includes("\ufffd")) && "reason" in made) return;
  const expected = parsedAvro(contract, value);
  if (jsonTooLong(contract, made) || isDeepStrictEqual(made, expected)) return;
  expect(made, describeRecord(record)).toEqual(expected);
}

function parsedAvro(contract: EventContract, value: Record<string, unknown>): Outcome {
  for (const field of contract.fields) {
    if (field.type !== "json" || value[field.name] === null) continue;
    try {
      value[field.name] = JSON.parse(value[field.name] as string);
    } catch {
      value[field.name] = "no JSON";
    }
  }
  const result = validateEvent(contract, value);
  return result.ok ? accepted(contract, value) : { reason: result.reason, field: result.field };
}
