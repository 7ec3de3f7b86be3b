import { isUtf8 } from "node:buffer";
import { skipSpace } from "../../../schema/index.ts";
import { isEventTime } from "./time-plan.ts";

const USER_ID = Buffer.from('"userId"');
const NO_KEY: Uint8Array = new Uint8Array(0);
const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const NUMBER_BYTES = Buffer.from("+-.0123456789Ee");
const EVENT_TIME = "eventTime";

/** Name of the format of our own customer events, one JSON object a line. */
export const NDJSON = "ndjson";
export const NDJSON_TOPIC = "customer-events";

/**
 * UTF-8 of the event's `userId`, or nothing where it has none: such a line goes to a partition all the
 * same, where the pipeline refuses it with its reason. Reads the value in place where the name stands
 * once in the line and no escape is near; anything else goes the sure way.
 */
export function userKeyOf(line: Buffer): Uint8Array {
  const at = line.indexOf(USER_ID);
  if (at < 0) return line.includes(BACKSLASH) ? parsedKey(line) : NO_KEY;
  const start = at + USER_ID.length + 2;
  const plain = line[start - 2] === COLON && line[start - 1] === QUOTE && line.indexOf(USER_ID, start) < 0;
  const end = plain ? line.indexOf(QUOTE, start) : -1;
  if (end < 0) return parsedKey(line);
  const key = line.subarray(start, end);
  return key.includes(BACKSLASH) || line.includes(BACKSLASH) || !isUtf8(key) ? parsedKey(line) : key;
}

function parsedKey(line: Buffer): Uint8Array {
  const userId = parseObject(line)?.userId;
  return typeof userId === "string" ? Buffer.from(userId) : NO_KEY;
}

function parseObject(line: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Event time of a line, ms, or null where it has none that an event may have. */
export function timeOfLine(line: Buffer): number | null {
  const time = parseObject(line)?.eventTime;
  return typeof time === "number" && isEventTime(time) ? time : null;
}

/**
 * The line with its event time rewritten, every other byte as it is; all of it as it is where it has no time that an
 * event may have, so that the pipeline refuses it.
 */
export function rewriteTime(line: Buffer, rewrite: (ms: number) => number): Buffer {
  const time = timeOfLine(line);
  if (time === null) return line;
  const value = Buffer.from(String(rewrite(time)));
  const pieces: Buffer[] = [];
  let from = 0;
  for (const [start, end] of topLevelNumbers(line, EVENT_TIME)) {
    pieces.push(line.subarray(from, start), value);
    from = end;
  }
  return Buffer.concat([...pieces, line.subarray(from)]);
}

/** Where the members of a name have a number in an object that JSON.parse has taken; a name may come twice. */
function topLevelNumbers(line: Buffer, name: string): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  let depth = 0;
  for (let p = 0; p < line.length; p++) {
    const c = line[p];
    if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--;
    if (c !== QUOTE) continue;
    const start = p;
    for (p++; line[p] !== QUOTE; p++) if (line[p] === BACKSLASH) p++;
    if (depth !== 1) continue;
    const colon = skipSpace(line, p + 1, line.length);
    if (line[colon] !== COLON || JSON.parse(line.toString("utf8", start, p + 1)) !== name) continue;
    const number = skipSpace(line, colon + 1, line.length);
    let end = number;
    while (NUMBER_BYTES.includes(line[end])) end++;
    if (end > number) found.push([number, end]);
  }
  return found;
}
