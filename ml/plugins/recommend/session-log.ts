import { unusableFile } from "../../training/input-file.ts";

/** Sessions one after the other, oldest first; items as positions in `itemNumbers`. */
export interface SessionLog {
  /** Numbers of the items, rising: the smaller position is the smaller number. */
  readonly itemNumbers: Float64Array;
  /** Items of all sessions, in order. */
  readonly items: Int32Array;
  /** First event of each session, and the count of events: one longer than there are sessions. */
  readonly starts: Int32Array;
}

/** Prefixes with the item that followed; items that the training does not know are negative, each its own. */
export interface RankingCases {
  readonly items: Int32Array;
  /** Where the prefix of a case begins and ends (exclusively) in `items`. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly targets: Int32Array;
}

export interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

/** Lines that are not blank, with their numbers from 1. */
export function numberedLines(lines: readonly string[]): NumberedLine[] {
  return lines
    .map((text, index) => ({ line: index + 1, text: text.trimEnd() }))
    .filter(({ text }) => text !== "");
}

export function sessionCount(log: SessionLog): number {
  return log.starts.length - 1;
}

export function makeSessionLog(sessions: readonly (readonly number[])[]): SessionLog {
  const starts = new Int32Array(sessions.length + 1);
  for (let s = 0; s < sessions.length; s++) starts[s + 1] = starts[s] + sessions[s].length;
  const numbers = new Float64Array(starts[sessions.length]);
  for (let s = 0; s < sessions.length; s++) numbers.set(sessions[s], starts[s]);
  const itemNumbers = Float64Array.from(new Set(numbers)).sort();
  const positions = itemPositions(itemNumbers);
  return { itemNumbers, starts, items: Int32Array.from(numbers, (number) => positions.get(number) ?? -1) };
}

/** Position of each item by its number. */
export function itemPositions(itemNumbers: Float64Array): Map<number, number> {
  const positions = new Map<number, number>();
  for (let i = 0; i < itemNumbers.length; i++) positions.set(itemNumbers[i], i);
  return positions;
}

/** The sessions before `end`, over the same items. */
export function earlierSessions(log: SessionLog, end: number): SessionLog {
  return {
    itemNumbers: log.itemNumbers,
    items: log.items.subarray(0, log.starts[end]),
    starts: log.starts.subarray(0, end + 1),
  };
}

/** Item numbers of one session, separated by blanks. Throws code `file-unusable`. */
export function parseSession({ line, text }: NumberedLine, path: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => parseItem(word, line, path));
}

/** Test lines `prefix<TAB>target`; an empty prefix is a visitor of whom nothing is known. */
export function parseCases(
  lines: readonly NumberedLine[],
  path: string,
  itemNumbers: Float64Array,
): RankingCases {
  const cases = lines.map((numbered) => {
    const cells = numbered.text.split("\t");
    if (cells.length !== 2) {
      throw unusableFile(path, `${cells.length} cells, expected a prefix, one tab and a target`, numbered);
    }
    const prefix = cells[0].trim() === "" ? [] : parseSession({ ...numbered, text: cells[0] }, path);
    return { prefix, target: parseItem(cells[1].trim(), numbered.line, path) };
  });
  const position = positionsAndStrangers(itemNumbers);
  const to = new Int32Array(cases.length);
  let end = 0;
  for (let i = 0; i < cases.length; i++) to[i] = end += cases[i].prefix.length;
  return {
    items: Int32Array.from(cases.flatMap(({ prefix }) => prefix).map(position)),
    from: to.map((value, index) => value - cases[index].prefix.length),
    to,
    targets: Int32Array.from(cases, ({ target }) => position(target)),
  };
}

/** Every prefix of every session with the item after it. */
export function prefixCases(
  sessions: readonly (readonly number[])[],
  itemNumbers: Float64Array,
): RankingCases {
  const items = Int32Array.from(sessions.flat(), positionsAndStrangers(itemNumbers));
  const from: number[] = [];
  const to: number[] = [];
  let start = 0;
  for (const { length } of sessions) {
    for (let end = 1; end < length; end++) {
      from.push(start);
      to.push(start + end);
    }
    start += length;
  }
  return {
    items,
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    targets: Int32Array.from(to, (end) => items[end]),
  };
}

/** Positions of known items; -1, -2 and so on for each other number. */
function positionsAndStrangers(itemNumbers: Float64Array): (number: number) => number {
  const positions = itemPositions(itemNumbers);
  let strangers = 0;
  return (number) => {
    const known = positions.get(number);
    if (known !== undefined) return known;
    positions.set(number, --strangers);
    return strangers;
  };
}

function parseItem(word: string, line: number, path: string): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && Number.isSafeInteger(number)) return number;
  throw unusableFile(path, `found ${JSON.stringify(word.slice(0, 40))}, expected an item number`, { line });
}
