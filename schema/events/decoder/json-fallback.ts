import { type EventProblem, textLengthProblem, validateEvent } from "../validate.ts";
import type { BatchStore } from "./batch-store.ts";
import { Kind } from "./field-table.ts";
import { BACKSLASH, CLOSE_BRACE, QUOTE, skipSpace } from "./json-scan.ts";

const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const DETAIL_MAX = 200;

type Range = readonly [start: number, end: number];

/**
 * The rare way: JSON.parse and validateEvent decide, and give a refusal its reason. Fills the row
 * from the object and answers null, or answers the problem.
 */
export function readJsonByParsing(
  store: BatchStore,
  bytes: Uint8Array,
  [start, end]: Range,
  row: number,
): EventProblem | null {
  let text: string;
  try {
    text = utf8Strict.decode(bytes.subarray(start, end));
  } catch {
    return { reason: "invalid-utf8", field: null, detail: "the record is no well-formed UTF-8" };
  }
  if (text.trim() === "") return { reason: "empty", field: null, detail: "the record has no content" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      reason: "invalid-json",
      field: null,
      detail: String((error as Error).message).slice(0, DETAIL_MAX),
    };
  }
  const validation = validateEvent(store.table.contract, value);
  if (!validation.ok)
    return { reason: validation.reason, field: validation.field, detail: validation.detail };
  return fill(store, bytes, row, value as Record<string, unknown>, topLevelMembers(bytes, start, end));
}

interface Member {
  readonly name: string;
  readonly key: Range;
  readonly value: Range;
}

function fill(
  store: BatchStore,
  bytes: Uint8Array,
  row: number,
  value: Readonly<Record<string, unknown>>,
  members: readonly Member[],
): EventProblem | null {
  const { table } = store;
  for (const [index, field] of table.contract.fields.entries()) {
    const found = Object.hasOwn(value, field.name) ? value[field.name] : null;
    if (found === null || found === undefined) continue;
    if (field.type === "json") {
      const [start, end] = members.findLast((member) => member.name === field.name)?.value ?? [0, 0];
      const problem = textLengthProblem(field, end - start);
      if (problem !== null) return problem;
      store.starts[table.base[index] + row] = start;
      store.ends[table.base[index] + row] = end;
    } else {
      setValue(store, index, row, found);
    }
  }
  for (const member of members) {
    if (table.contract.fields.some((field) => field.name === member.name)) continue;
    store.appendExtra(row, bytes, member.key, member.value);
  }
  return null;
}

/** Sets one validated, present value that is not JSON. */
function setValue(store: BatchStore, field: number, row: number, value: unknown): void {
  const { table } = store;
  const at = table.base[field] + row;
  switch (table.kinds[field]) {
    case Kind.text:
    case Kind.key: {
      const from = store.arenaLength;
      store.appendArena(value as string);
      store.starts[at] = store.arenaBase + from;
      store.ends[at] = store.arenaBase + store.arenaLength;
      return;
    }
    case Kind.enum:
      store.uint8[at] = table.contract.fields[field].symbols?.indexOf(value as string) ?? 0;
      return;
    case Kind.boolean:
      store.uint8[at] = value === true ? 1 : 0;
      break;
    case Kind.int:
      store.int32[at] = value as number;
      break;
    case Kind.double:
      store.float64[at] = value as number;
      break;
    default:
      store.float64[at] = (value as number) + 0;
  }
  store.valid[field * store.capacity + row] = 1;
}

/** The members of an object that JSON.parse has accepted, in order, duplicates included. */
function topLevelMembers(bytes: Uint8Array, start: number, end: number): Member[] {
  const members: Member[] = [];
  let p = skipSpace(bytes, skipSpace(bytes, start, end) + 1, end);
  while (bytes[p] === QUOTE) {
    const keyEnd = knownStringEnd(bytes, p);
    const valueStart = skipSpace(bytes, skipSpace(bytes, keyEnd, end) + 1, end);
    const valueEnd = knownValueEnd(bytes, valueStart);
    const name = JSON.parse(utf8Strict.decode(bytes.subarray(p, keyEnd))) as string;
    members.push({ name, key: [p, keyEnd], value: [valueStart, valueEnd] });
    p = skipSpace(bytes, valueEnd, end);
    if (bytes[p] === CLOSE_BRACE) break;
    p = skipSpace(bytes, p + 1, end);
  }
  return members;
}

function knownStringEnd(bytes: Uint8Array, quote: number): number {
  let p = quote + 1;
  while (bytes[p] !== QUOTE) p += bytes[p] === BACKSLASH ? 2 : 1;
  return p + 1;
}

function knownValueEnd(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let p = start;
  for (;;) {
    const c = bytes[p];
    const opens = c === 0x7b || c === 0x5b;
    const closes = c === 0x7d || c === 0x5d;
    if (depth === 0 && (closes || c === 0x2c || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09))
      return p;
    p = c === QUOTE ? knownStringEnd(bytes, p) : p + 1;
    if (opens) depth++;
    else if (closes) depth--;
    if (depth === 0 && (c === QUOTE || closes)) return p;
  }
}
