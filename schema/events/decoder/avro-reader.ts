import { utf8Decoder } from "../../columns/index.ts";
import type { ContractField, EventContract } from "../contract.ts";
import { type EventProblem, fieldProblem, textLengthProblem } from "../validate.ts";
import type { WriterField, WriterSchema, WriterSchemas } from "../writer-schema.ts";
import type { BatchStore } from "./batch-store.ts";
import { Kind } from "./field-table.ts";
import { isUtf8, OPEN_BRACE, OPEN_BRACKET, valueEnd } from "./json-scan.ts";
import { HEADER_BYTES } from "./wire-format.ts";

const VARINT_BYTES_MAX = 10;
const DETAIL_CUT = "the record ends within it";

/** Ids of one contract that are met at one time; more are planned again when they come back. */
const PLANS_MAX = 1000;

/** One field as a writer wrote it, and where it goes. */
interface WrittenField {
  readonly written: WriterField;
  /** Position in the reader's contract, or -1: goes to the row's extra members. */
  readonly target: number;
  /** By writer's symbol code: the reader's, or -1. */
  readonly symbols: readonly number[];
}

/** How records of one schema id are read, or why they cannot be. */
type Plan = { readonly fields: readonly WrittenField[] } | { readonly unreadable: string };

const utf8 = new TextEncoder();

/**
 * Reads Avro records in the wire format into the rows of a {@link BatchStore}. The writer's schema,
 * named by its id, is resolved to the reader's contract by field name, as the Avro specification says:
 * fields that the reader lacks become extra members, fields that the writer lacks stay null.
 */
export class AvroReader {
  private readonly store: BatchStore;
  private readonly schemas: WriterSchemas;
  private readonly plans = new Map<number, Plan>();
  private lastId = 0;
  private lastPlan: Plan | null = null;
  private bytes: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private p = 0;
  private end = 0;
  private failure: EventProblem | null = null;
  private failureField = -1;

  constructor(store: BatchStore, schemas: WriterSchemas) {
    this.store = store;
    this.schemas = schemas;
  }

  use(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
  }

  /** Fills the row from the record `bytes[start, end)`, or answers why it is refused (the row is then dirty). */
  read(start: number, end: number, row: number): EventProblem | null {
    if (end - start < HEADER_BYTES) return invalid(null, "shorter than the header of five bytes");
    const id = this.view.getInt32(start + 1);
    const made = id === this.lastId && this.lastPlan !== null ? this.lastPlan : this.planOf(id);
    if ("unreadable" in made) return { reason: "unknown-schema", field: null, detail: made.unreadable };
    const plan = made.fields;
    this.p = start + HEADER_BYTES;
    this.end = end;
    this.failure = null;
    this.failureField = plan.length;
    let required = 0;
    for (const field of plan) {
      const problem = this.field(field, row);
      if (problem !== null) return problem;
      if (this.present && field.target >= 0) required += this.store.table.required[field.target];
    }
    if (this.p !== end) return invalid(null, `${end - this.p} bytes follow the record`);
    if (this.failure !== null) return this.failure;
    return required === this.store.table.requiredCount ? null : this.missing(plan);
  }

  private present = false;

  /** The plan of an id; one of an id that is not known is not kept, since it may become known. */
  private planOf(id: number): Plan {
    let plan = this.plans.get(id);
    if (plan === undefined) {
      const schema = this.schemas.get(id) ?? null;
      if (schema === null) return { unreadable: `schema id ${id} is not known` };
      plan = planFor(this.store.table.contract, schema, id);
      if (this.plans.size >= PLANS_MAX) this.plans.clear();
      this.plans.set(id, plan);
    }
    this.lastId = id;
    this.lastPlan = plan;
    return plan;
  }

  private missing(plan: readonly WrittenField[]): EventProblem {
    const { fields } = this.store.table.contract;
    const index = fields.findIndex((field, i) => !field.nullable && !plan.some(({ target }) => target === i));
    return {
      reason: "missing-field",
      field: fields[index].name,
      detail: "required, but not in the writer's schema",
    };
  }

  /** Reads one field; answers a problem of the record's form. A problem of the value is remembered. */
  private field(plan: WrittenField, row: number): EventProblem | null {
    const { written } = plan;
    this.present = true;
    if (written.nullBranch !== null) {
      const branch = this.varint();
      if (branch !== 0 && branch !== 1) return invalid(written, "a union of two has no such branch");
      if (branch === written.nullBranch) {
        this.present = false;
        this.checkNull(plan.target);
        return null;
      }
    }
    if (plan.target < 0) return this.unknownField(written, row);
    const at = this.store.table.base[plan.target] + row;
    switch (written.type) {
      case "string":
      case "json":
        return this.text(plan, at);
      case "enum":
        return this.symbol(plan, at);
      case "boolean":
        return this.boolean(plan, row, at);
      default:
        return this.number(plan, row, at);
    }
  }

  /** A writer may allow null where the reader does not. */
  private checkNull(target: number): void {
    if (target < 0) return;
    const field = this.store.table.contract.fields[target];
    if (!field.nullable) this.fail(target, fieldProblem(field, null));
  }

  private text({ written, target }: WrittenField, at: number): EventProblem | null {
    const length = this.varint();
    const start = this.p;
    const stop = start + length;
    if (!(length >= 0) || stop > this.end) return invalid(written, DETAIL_CUT);
    this.p = stop;
    const { store, bytes } = this;
    const { table } = store;
    store.starts[at] = start;
    store.ends[at] = stop;
    if (length < table.minBytes[target] || length > table.maxBytes[target]) {
      this.fail(target, textLengthProblem(table.contract.fields[target], length));
    }
    if (!isUtf8(bytes, start, stop)) {
      this.fail(-1, {
        reason: "invalid-utf8",
        field: written.name,
        detail: "the text is no well-formed UTF-8",
      });
    }
    if (table.kinds[target] === Kind.json && !this.isStructure(start, stop)) {
      const detail = "expected the text of a JSON array or object";
      this.fail(target, { reason: "wrong-type", field: written.name, detail });
    }
    return null;
  }

  private isStructure(start: number, stop: number): boolean {
    const { bytes } = this;
    if (bytes[start] !== OPEN_BRACE && bytes[start] !== OPEN_BRACKET) return false;
    if (valueEnd(bytes, this.view, start, stop) === stop) return true;
    try {
      JSON.parse(utf8Decoder.decode(bytes.subarray(start, stop)));
      return true;
    } catch {
      return false;
    }
  }

  private symbol({ written, target, symbols }: WrittenField, at: number): EventProblem | null {
    const code = this.varint();
    if (!(code >= 0 && code < symbols.length)) return invalid(written, `no symbol has the code ${code}`);
    if (symbols[code] < 0) {
      const detail = `${written.symbols?.[code]} is no symbol of the newest version`;
      this.fail(target, { reason: "unknown-symbol", field: written.name, detail });
    } else {
      this.store.uint8[at] = symbols[code];
    }
    return null;
  }

  private boolean({ written, target }: WrittenField, row: number, at: number): EventProblem | null {
    const byte = this.p < this.end ? this.bytes[this.p] : 2;
    this.p++;
    if (byte > 1) return invalid(written, "a boolean is a byte 0 or 1");
    this.store.uint8[at] = byte;
    this.store.valid[target * this.store.capacity + row] = 1;
    return null;
  }

  private number({ written, target }: WrittenField, row: number, at: number): EventProblem | null {
    const value = this.numeral(written);
    if (this.p > this.end) return invalid(written, DETAIL_CUT);
    if (Number.isNaN(value) && isInteger(written)) return invalid(written, "no varint of at most 64 bits");
    const { store } = this;
    const { table } = store;
    if (!(value >= table.min[target] && value <= table.max[target])) {
      this.fail(target, fieldProblem(table.contract.fields[target], value));
    }
    if (table.kinds[target] === Kind.int) store.int32[at] = value;
    else store.float64[at] = value;
    store.valid[target * store.capacity + row] = 1;
    return null;
  }

  /** A field that the reader's version does not have: kept as an extra member. */
  private unknownField(written: WriterField, row: number): EventProblem | null {
    let json: string;
    if (written.type === null) {
      const value = written.other.jsonAt(this.bytes, this.p, this.end);
      if (value === null) return invalid(written, DETAIL_CUT);
      this.p = value.end;
      json = value.json;
    } else if (written.type === "boolean") {
      const byte = this.p < this.end ? this.bytes[this.p] : 2;
      this.p++;
      if (byte > 1) return invalid(written, "a boolean is a byte 0 or 1");
      json = byte === 1 ? "true" : "false";
    } else if (written.type === "string" || written.type === "json") {
      const length = this.varint();
      const start = this.p;
      if (!(length >= 0) || start + length > this.end) return invalid(written, DETAIL_CUT);
      this.p += length;
      if (!isUtf8(this.bytes, start, this.p)) {
        this.fail(-1, {
          reason: "invalid-utf8",
          field: written.name,
          detail: "the text is no well-formed UTF-8",
        });
      }
      const body = utf8Decoder.decode(this.bytes.subarray(start, this.p));
      json = written.type === "json" && this.isStructure(start, this.p) ? body : JSON.stringify(body);
    } else {
      const value = this.numeral(written);
      if (this.p > this.end) return invalid(written, DETAIL_CUT);
      if (Number.isNaN(value) && isInteger(written)) return invalid(written, "no varint of at most 64 bits");
      const symbol = written.symbols === null ? value : written.symbols[value];
      if (symbol === undefined) return invalid(written, `no symbol has the code ${value}`);
      json = JSON.stringify(symbol);
    }
    const key = utf8.encode(JSON.stringify(written.name));
    const value = utf8.encode(json);
    const member = new Uint8Array(key.length + value.length);
    member.set(key);
    member.set(value, key.length);
    this.store.appendExtra(row, member, [0, key.length], [key.length, member.length]);
    return null;
  }

  /** The problem of the first field in the reader's order wins, as in validateEvent. */
  private fail(target: number, problem: EventProblem | null): void {
    if (problem === null || (this.failure !== null && target >= this.failureField)) return;
    this.failure = problem;
    this.failureField = target;
  }

  private numeral({ type }: WriterField): number {
    if (type === "double") return this.double();
    return type === "float" ? this.float() : this.varint();
  }

  private float(): number {
    const at = this.p;
    this.p += 4;
    return this.p <= this.end ? this.view.getFloat32(at, true) : Number.NaN;
  }

  private double(): number {
    const at = this.p;
    this.p += 8;
    return this.p <= this.end ? this.view.getFloat64(at, true) : Number.NaN;
  }

  /** A zig-zag integer, exact within ±2^53; NaN where it runs out of the record or of 64 bits. */
  private varint(): number {
    const { bytes } = this;
    let byte = bytes[this.p++];
    let low = byte & 0x7f;
    let shift = 7;
    while (byte >= 0x80 && shift < 28) {
      byte = bytes[this.p++];
      low |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte < 0x80) return this.p > this.end ? Number.NaN : (low >>> 1) ^ -(low & 1);
    // Half the zig-zag value: the whole would lose its lowest bit, the sign, beyond 2^53.
    let half = low >>> 1;
    let scale = 2 ** 27;
    for (let count = 4; byte >= 0x80; count++) {
      if (count === VARINT_BYTES_MAX || this.p >= this.end) return Number.NaN;
      byte = bytes[this.p++];
      half += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return (low & 1) === 1 ? -half - 1 : half;
  }
}

function planFor(reader: EventContract, writer: WriterSchema, id: number): Plan {
  if (writer.contract !== reader.name) {
    return { unreadable: `schema id ${id} is ${writer.title}, not ${reader.name}` };
  }
  const fields = writer.fields.map((written): WrittenField => {
    const target = reader.fields.findIndex((field) => field.name === written.name);
    const symbols = (written.symbols ?? []).map(
      (symbol) => reader.fields[target]?.symbols?.indexOf(symbol) ?? -1,
    );
    return { written, target, symbols };
  });
  const odd = fields.find(
    ({ written, target }) => target >= 0 && !isReadable(reader.fields[target], written),
  );
  if (odd === undefined) return { fields };
  const wanted = reader.fields[odd.target].type;
  return {
    unreadable: `schema id ${id} (${writer.title}) writes ${odd.written.name} as ${odd.written.type ?? odd.written.other.name}, which cannot be read as ${wanted}`,
  };
}

/** The resolution rules of the Avro specification, for the types that contracts have. */
function isReadable({ type }: ContractField, { type: written }: WriterField): boolean {
  switch (type) {
    case "string":
    case "json":
      return written === "string" || written === "json";
    case "int":
      return written === "int";
    case "long":
    case "timestamp":
      return written === "int" || written === "long" || written === "timestamp";
    case "double":
      return written !== null && NUMBERS.has(written);
    default:
      return written === type;
  }
}

const NUMBERS: ReadonlySet<string> = new Set(["int", "long", "timestamp", "float", "double"]);

function isInteger({ type }: WriterField): boolean {
  return type !== "double" && type !== "float";
}

function invalid(field: WriterField | null, detail: string): EventProblem {
  return { reason: "invalid-avro", field: field?.name ?? null, detail };
}
