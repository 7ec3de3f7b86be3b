import { type Column, type LakeColumn, MillraceError, safeInteger } from "../../schema/index.ts";
import { packLevels } from "./bit-pack.ts";
import { type Bounds, NO_BOUNDS, NumberRange } from "./bounds.ts";
import { type ByteSink, writeInt64 } from "./byte-sink.ts";
import {
  ColumnEncoder,
  type EncodedChunk,
  type EncodedValues,
  type EncoderOptions,
} from "./column-encoder.ts";
import { DELTA_RANGE_MAX, encodeDelta } from "./delta.ts";
import { Encoding, PhysicalType } from "./format.ts";
import type { PageWriter } from "./page-writer.ts";

type NumberType = Exclude<LakeColumn["type"], "string">;

interface NumberForm {
  readonly kind: Column["kind"];
  readonly physical: PhysicalType;
  /** What values are multiplied by: Iceberg's timestamps are microseconds. */
  readonly scale: number;
  /** Widest (max − min) × scale of a page for delta encoding; null = never. */
  readonly deltaRangeMax: number | null;
}

const FORMS: Record<NumberType, NumberForm> = {
  int: { kind: "int32", physical: PhysicalType.int32, scale: 1, deltaRangeMax: 2 ** 31 - 1 },
  long: { kind: "int64", physical: PhysicalType.int64, scale: 1, deltaRangeMax: DELTA_RANGE_MAX },
  timestamptz: {
    kind: "timestamp",
    physical: PhysicalType.int64,
    scale: 1000,
    deltaRangeMax: DELTA_RANGE_MAX,
  },
  double: { kind: "float64", physical: PhysicalType.double, scale: 1, deltaRangeMax: null },
  boolean: { kind: "boolean", physical: PhysicalType.boolean, scale: 1, deltaRangeMax: null },
};

/** Integers and timestamps as deltas, doubles and booleans PLAIN. */
export class NumberEncoder extends ColumnEncoder {
  private readonly form: NumberForm;
  private values = new Float64Array(0);
  private readonly page = new NumberRange();
  private chunk = new NumberRange();

  constructor(
    column: LakeColumn & { readonly type: NumberType },
    options: EncoderOptions,
    writer: PageWriter,
  ) {
    super(column, options, writer);
    this.form = FORMS[column.type];
  }

  override boundsOf(range: EncodedChunk["range"]): Bounds {
    return (range as NumberRange).bounds(this.form.physical, this.form.scale);
  }

  override merge(ranges: readonly EncodedChunk["range"][]): NumberRange {
    const merged = new NumberRange();
    for (const range of ranges) merged.include(range as NumberRange);
    return merged;
  }

  protected override growValues(capacity: number): void {
    const values = new Float64Array(capacity);
    values.set(this.values);
    this.values = values;
  }

  protected override take(
    column: Column,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): number {
    if (column.kind !== this.form.kind || !("valid" in column)) this.refuseKind(column);
    const { valid } = column;
    if (valid !== null) this.takeNullable(column.values, valid, from, to, selection);
    else this.takeAll(column.values, from, to, selection);
    return to;
  }

  protected override encodeValues(body: ByteSink): EncodedValues {
    const { values, page, form, pageValues: count } = this;
    const rangeMax = this.options.delta ? form.deltaRangeMax : null;
    if (count === 0) return { encoding: Encoding.plain, bounds: NO_BOUNDS };
    page.clear();
    page.scan(values, count);
    if (form.physical === PhysicalType.int64) this.makeSafe();
    this.chunk.include(page);
    const bounds = page.bounds(form.physical, form.scale);
    if (rangeMax !== null && (page.max - page.min) * form.scale <= rangeMax) {
      encodeDelta(body, values, count, form.scale);
      return { encoding: Encoding.deltaBinaryPacked, bounds };
    }
    encodePlain(body, values, count, form);
    return { encoding: Encoding.plain, bounds };
  }

  protected override takeChunkRange(): NumberRange {
    const { chunk } = this;
    this.chunk = new NumberRange();
    return chunk;
  }

  protected override copyValues(other: this): void {
    this.values.set(other.values.subarray(0, other.pageValues));
    this.chunk = this.merge([other.chunk]);
  }

  private takeNullable(
    source: Float64Array | Int32Array | Uint8Array,
    valid: Uint8Array,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): void {
    const { values, levels } = this;
    let row = this.pageRows;
    let count = this.pageValues;
    for (let i = from; i < to; i++) {
      const index = selection === undefined ? i : selection[i];
      if (valid[index] !== 0) {
        values[count++] = source[index];
        if (levels !== null) levels[row] = 1;
      } else if (levels !== null) {
        levels[row] = 0;
      } else {
        this.refuseNull();
      }
      row++;
    }
    this.pageRows = row;
    this.pageValues = count;
  }

  private takeAll(
    source: Float64Array | Int32Array | Uint8Array,
    from: number,
    to: number,
    selection: Int32Array | undefined,
  ): void {
    const { values, pageValues } = this;
    if (selection === undefined) values.set(source.subarray(from, to), pageValues);
    else for (let i = from; i < to; i++) values[pageValues + i - from] = source[selection[i]];
    const count = to - from;
    this.levels?.fill(1, this.pageRows, this.pageRows + count);
    this.pageRows += count;
    this.pageValues += count;
  }

  /**
   * Beyond ±2^53 doubles have lost digits already. What is so large in a column of integers is a sum of events each of
   * which its contract takes, such as two of the highest price: it stays at the bound, where the table's readers
   * see that it is no sum. A time, or a fraction (a NaN has one), whose delta would shift all values behind it, is
   * wrong of whoever fills the column.
   */
  private makeSafe(): void {
    const { page, form } = this;
    if (Number.isSafeInteger(page.min) && Number.isSafeInteger(page.max) && !page.fraction) return;
    if (form.kind !== "int64" || page.fraction) {
      throw new MillraceError(
        `column ${this.column.name} has a value that is no integer within ±2^53 (page from ${page.min} to ${page.max}); refuse such values when decoding`,
        { code: "unsafe-integer", origin: "internal" },
      );
    }
    const { values, pageValues: count } = this;
    for (let i = 0; i < count; i++) values[i] = safeInteger(values[i]);
    page.clear();
    page.scan(values, count);
  }
}

function packBooleans(body: ByteSink, values: Float64Array, count: number): void {
  const padded = new Uint8Array((count + 7) & ~7);
  padded.set(values.subarray(0, count));
  packLevels(body, padded, padded.length);
}

function encodePlain(body: ByteSink, values: Float64Array, count: number, form: NumberForm): void {
  switch (form.physical) {
    case PhysicalType.double:
      body.append(new Uint8Array(values.buffer, values.byteOffset, count * 8));
      return;
    case PhysicalType.boolean:
      packBooleans(body, values, count);
      return;
    case PhysicalType.int32:
      for (let i = 0; i < count; i++) body.int32(values[i]);
      return;
    default:
      body.reserve(count * 8);
      for (let i = 0; i < count; i++, body.length += 8) {
        writeInt64(body.view, body.length, values[i], form.scale);
      }
  }
}
