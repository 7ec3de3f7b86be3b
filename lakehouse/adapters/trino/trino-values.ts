import type { SqlValue } from "../../ports/query-engine.ts";
import { stringifyLossless } from "../../table/lossless-json.ts";
import { invalidQuery } from "../query-errors.ts";
import { decimalValue } from "../sql-decimal.ts";

/** A value of a page, parsed from JSON with exact integers. */
export type TrinoValue = unknown;

/** Turns a column's values from the form of Trino's protocol into the port's. */
export type Decoder = (value: TrinoValue) => SqlValue;

const TIME = /^([+-]?\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?: (.+))?$/;

/** The decoder for a type as the protocol writes it: `decimal(10, 2)`, `timestamp(6) with time zone`. */
export function decoderOf(type: string): Decoder {
  const decode = plainDecoder(type);
  return (value) => (value === null || value === undefined ? null : decode(value));
}

function plainDecoder(type: string): Decoder {
  switch (type.replace(/\(.*?\)/, "")) {
    case "tinyint":
    case "smallint":
    case "integer":
    case "bigint":
      return (value) => value as number | bigint;
    case "double":
    case "real":
      // JSON has no NaN and Infinity: they come as text.
      return (value) => Number(value);
    case "boolean":
      return (value) => value as boolean;
    case "decimal":
      return (value) => decimalValue(String(value));
    case "date":
    case "timestamp":
    case "timestamp with time zone":
      return (value) => timeValue(String(value));
    case "varbinary":
      return (value) => Buffer.from(String(value), "base64").toString("hex");
    case "array":
    case "map":
    case "row":
      return (value) => stringifyLossless(value);
    default:
      return (value) => (typeof value === "string" ? value : stringifyLossless(value));
  }
}

/** A date or timestamp, cut to milliseconds. Without a zone it is taken for UTC, as the lake's times are. */
function timeValue(text: string): Date {
  const match = TIME.exec(text);
  if (match === null) throw invalidQuery(`the result has the time "${text}", which is none of ours`);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const ms = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second, ms));
  date.setUTCFullYear(year, month - 1, day);
  return new Date(date.getTime() - offsetMs(match[8] ?? "UTC"));
}

function offsetMs(zone: string): number {
  if (zone === "UTC" || zone === "Z") return 0;
  const match = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  if (match === null) {
    throw invalidQuery(`the result has times of the zone ${zone}; add AT TIME ZONE 'UTC' to them`);
  }
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return minutes * (match[1] === "-" ? -60_000 : 60_000);
}
