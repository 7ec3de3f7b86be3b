import { writeFileSync } from "node:fs";
import { join } from "node:path";

type Numbers = Float64Array | Float32Array | Int32Array | Uint8Array;

/** NumPy's names of what the arrays hold, little-endian as is every machine that we run on. */
const TYPES = new Map<unknown, string>([
  [Float64Array, "<f8"],
  [Float32Array, "<f4"],
  [Int32Array, "<i4"],
  [Uint8Array, "|u1"],
]);

/**
 * Arrays for the scripts beside this file, which read them with `exchange.py`: each array as its raw
 * bytes in `NAME.bin`, and `manifest.json` with type and shape.
 */
export class ExchangeFolder {
  readonly path: string;
  readonly #arrays: Record<string, { readonly type: string; readonly shape: readonly number[] }> = {};

  constructor(path: string) {
    this.path = path;
  }

  /** One array, or the rows of a matrix, all of one length. */
  write(name: string, values: Numbers | readonly Numbers[]): void {
    const rows = Array.isArray(values) ? (values as readonly Numbers[]) : [values as Numbers];
    const width = rows[0].length;
    if (rows.some(({ length }) => length !== width)) throw new Error(`the rows of ${name} are not alike`);
    const type = TYPES.get(rows[0].constructor);
    if (type === undefined) throw new Error(`${name} is of a type that the scripts do not read`);
    const bytes = rows.map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
    writeFileSync(join(this.path, `${name}.bin`), Buffer.concat(bytes));
    this.#arrays[name] = { type, shape: Array.isArray(values) ? [rows.length, width] : [width] };
  }

  /** To be called once, after the last array. */
  finish(): void {
    writeFileSync(join(this.path, "manifest.json"), JSON.stringify(this.#arrays));
  }
}
