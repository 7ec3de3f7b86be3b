import { isUtf8 } from "node:buffer";

const USER_ID = Buffer.from('"userId"');
const NO_KEY: Uint8Array = new Uint8Array(0);
const QUOTE = 34;
const BACKSLASH = 92;

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
  const plain = line[start - 2] === 58 && line[start - 1] === QUOTE && line.indexOf(USER_ID, start) < 0;
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

/** Event time of a line, ms, or null where it has no number there. */
export function timeOfLine(line: Buffer): number | null {
  const time = parseObject(line)?.eventTime;
  return typeof time === "number" && Number.isFinite(time) && time >= 0 ? time : null;
}

/** The line with its event time rewritten; as it is where it has none. */
export function rewriteTime(line: Buffer, rewrite: (ms: number) => number): Buffer {
  const event = parseObject(line);
  if (event === null || typeof event.eventTime !== "number") return line;
  return Buffer.from(JSON.stringify({ ...event, eventTime: rewrite(event.eventTime) }));
}
