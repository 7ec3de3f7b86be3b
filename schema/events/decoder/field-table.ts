import { hashBytes } from "../../columns/index.ts";
import type { ContractField, EventContract } from "../contract.ts";

/** Kinds of value that the readers tell apart; small integers, so that a switch is a jump table. */
export const Kind = { text: 0, key: 1, enum: 2, long: 3, int: 4, json: 5, boolean: 6, double: 7 } as const;

const utf8 = new TextEncoder();
const MISSING = -1;

/** A few byte strings (field names, enum symbols) found by hash and length-checked bytes. */
export class NameTable {
  private readonly mask: number;
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly names: readonly Uint8Array[];

  constructor(names: readonly string[]) {
    this.names = names.map((name) => utf8.encode(name));
    let size = 16;
    while (size < names.length * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Int32Array(size).fill(MISSING);
    this.hashes = Int32Array.from(this.names, (name) => hashBytes(name, 0, name.length));
    for (let i = 0; i < names.length; i++) {
      let slot = this.hashes[i] & this.mask;
      while (this.slots[slot] !== MISSING) slot = (slot + 1) & this.mask;
      this.slots[slot] = i;
    }
  }

  /** Position of the name `bytes[start, end)`, whose {@link hashBytes} is given, or -1. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    let slot = hash & this.mask;
    for (let i = this.slots[slot]; i !== MISSING; i = this.slots[slot]) {
      if (this.hashes[i] === hash && equalBytes(this.names[i], bytes, start, end)) return i;
      slot = (slot + 1) & this.mask;
    }
    return MISSING;
  }
}

function equalBytes(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

/**
 * A contract as parallel arrays, indexed by field: what the readers consult per value. `base` is
 * where the field's column begins in the {@link BatchStore} array of its kind.
 */
export class FieldTable {
  readonly contract: EventContract;
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly base: Int32Array;
  readonly nullable: Uint8Array;
  /** 1 for a required field. */
  readonly required: Uint8Array;
  readonly requiredCount: number;
  /** Bits of the required fields; -1 (never met) where 31 bits do not hold them. */
  readonly requiredBits: number;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly minBytes: Int32Array;
  readonly maxBytes: Int32Array;
  readonly names: NameTable;
  /** Symbols of an enum field; an empty table for the others. */
  readonly symbols: readonly NameTable[];
  readonly timeField: number;

  constructor(contract: EventContract, base: Int32Array) {
    const { fields } = contract;
    this.contract = contract;
    this.count = fields.length;
    this.base = base;
    this.kinds = Uint8Array.from(fields, kindOf);
    this.nullable = Uint8Array.from(fields, (field) => (field.nullable ? 1 : 0));
    this.required = Uint8Array.from(fields, (field) => (field.nullable ? 0 : 1));
    const beyond = fields.some((field, index) => index > 30 && !field.nullable);
    const bits = fields.reduce((sum, field, index) => (field.nullable ? sum : sum | (1 << index)), 0);
    this.requiredBits = beyond ? -1 : bits;
    this.requiredCount = fields.filter((field) => !field.nullable).length;
    this.min = Float64Array.from(fields, (field) => field.min ?? -Number.MAX_VALUE);
    this.max = Float64Array.from(fields, (field) => field.max ?? Number.MAX_VALUE);
    this.minBytes = Int32Array.from(fields, (field) => (field.nullable ? 0 : 1));
    this.maxBytes = Int32Array.from(fields, (field) => field.maxBytes ?? 0x7fffffff);
    this.names = new NameTable(fields.map((field) => field.name));
    this.symbols = fields.map((field) => new NameTable(field.symbols ?? []));
    this.timeField = fields.findIndex((field) => field.name === contract.timeField);
  }
}

export function kindOf(field: ContractField): number {
  if (field.key) return Kind.key;
  switch (field.type) {
    case "string":
      return Kind.text;
    case "timestamp":
      return Kind.long;
    default:
      return Kind[field.type];
  }
}
