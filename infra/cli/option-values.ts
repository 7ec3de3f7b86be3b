import { InvalidArgumentError } from "commander";

/** Parsers of option values; a bad one is wrong usage. */
export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    // 1e6 is easier to read than 1000000.
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

/** Where reading begins: `begin`, `end` or an offset. */
export function offsetOrEnd(text: string): "begin" | "end" | number {
  if (text === "begin" || text === "end") return text;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("It must be begin, end or an offset.");
}

/** A share, 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a share from 0 to 1, such as 0.001.");
}

/** A share that is neither nothing nor all. */
export function partialShare(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError("It must be more than 0 and less than 1, such as 0.1.");
}

/** A day, or a time of it; in UTC where no zone is given, whatever this machine's is. */
export function isoTime(text: string): number {
  const [day, time = "00:00Z"] = text.split("T");
  const zoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(time) ? time : `${time}Z`;
  const value = Date.parse(`${day}T${zoned}`);
  if (isDay(day) && /^\d{2}:\d{2}/.test(zoned) && !Number.isNaN(value)) return value;
  throw new InvalidArgumentError("It must be a time such as 2026-01-01T00:00:00Z.");
}

/** Start of a UTC day, ms. */
export function utcDay(text: string): number {
  if (isDay(text)) return Date.parse(text);
  throw new InvalidArgumentError("It must be a UTC day such as 2026-01-31.");
}

/** Whether there is such a day: Date takes 31 February for 3 March. */
function isDay(text: string): boolean {
  const value = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(value) && new Date(value).toISOString().startsWith(text);
}
