/**
 * An amount in minor units from decimal text, exactly (no binary fractions): digits beyond the second
 * decimal are rounded half up. Null for anything else than a non-negative decimal number.
 */
export function minorUnits(text: string): number | null {
  const parts = /^(\d{1,13})(?:\.(\d*))?$/.exec(text);
  if (parts === null) return null;
  const fraction = `${parts[2] ?? ""}000`;
  const minor =
    Number(parts[1]) * 100 + Number(fraction.slice(0, 2)) + (fraction.charCodeAt(2) >= 53 ? 1 : 0);
  return Number.isSafeInteger(minor) ? minor : null;
}

/** A whole number of decimal text, with an optional sign, or null. */
export function wholeNumber(text: string): number | null {
  if (!/^-?\d{1,15}$/.test(text)) return null;
  return Number(text);
}

/** Milliseconds since the epoch of decimal seconds as text (`1396437466.94`), exactly, or null. */
export function secondsToMs(text: string): number | null {
  const parts = /^(\d{1,11})(?:\.(\d*))?$/.exec(text);
  if (parts === null) return null;
  return Number(parts[1]) * 1000 + Number(`${parts[2] ?? ""}000`.slice(0, 3));
}

/** `2019-10-01 00:00:00`, with ` UTC`, `T`, fractions of a second or `Z`; always UTC. Null where it is no such time. */
export function utcTime(text: string): number | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?UTC|Z)?$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second = "0", fraction = ""] = parts;
  return checkedTime(+year, +month, +day, +hour, +minute, +second, Number(`${fraction}000`.slice(0, 3)));
}

/** `12/1/2010 8:26`, month first, as in the UCI's spreadsheet; UTC. */
export function usTime(text: string): number | null {
  const parts = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (parts === null) return null;
  const [, month, day, year, hour, minute, second = "0"] = parts;
  return checkedTime(+year, +month, +day, +hour, +minute, +second, 0);
}

/** Null for the 31st of February and the like, which `Date.UTC` would roll over. */
function checkedTime(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number | null {
  if (hour > 23 || minute > 59 || second > 59) return null;
  const date = new Date(Date.UTC(2000, 0, 1, hour, minute, second, ms));
  // Date.UTC takes the years 0 to 99 for those of the last century.
  const time = date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? time : null;
}
