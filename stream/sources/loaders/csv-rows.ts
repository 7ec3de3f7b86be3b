import { isUtf8 } from "node:buffer";

/** One row, or why it is none. Lines are counted from 1; of a row over several lines it is the first. */
export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
  /** `unclosed-quote`, `stray-quote`, `row-too-long`, `invalid-utf8`; null for a good row. */
  readonly refusal: string | null;
}

export interface CsvOptions {
  readonly delimiter: "," | "\t";
  /** What a line is that is not UTF-8: refused, or read as Latin-1 (old exports). */
  readonly fallback?: "refuse" | "latin1";
}

/** A row is refused above this, so that one lost quote cannot swallow the file. */
const ROW_CHARS_MAX = 1 << 20;
const QUOTE = 34;
const NEWLINE = 10;
const RETURN = 13;
const NO_FIELDS: readonly string[] = [];

/** RFC 4180 rows of a stream of bytes, some hundreds at a time: quotes, quoted line ends, CR LF, BOM. */
export async function* csvRows(source: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<CsvRow[]> {
  const splitter = new CsvSplitter(options);
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && bytes.length < ROW_CHARS_MAX) {
      rest = bytes;
      continue;
    }
    // Without a line end in so many bytes the row is too long anyway: it goes on to be refused.
    const cut = end === 0 ? bytes.length : end;
    rest = bytes.subarray(cut);
    yield splitter.push(bytes.subarray(0, cut), false);
  }
  yield splitter.push(rest, true);
}

class CsvSplitter {
  readonly #delimiter: string;
  readonly #delimiterCode: number;
  readonly #latin1: boolean;
  #text = "";
  #line = 1;
  #first = true;
  /** Inside a row that was refused for its length: what comes before the next line end is dropped. */
  #skipping = false;
  #suspicious = false;

  constructor(options: CsvOptions) {
    this.#delimiter = options.delimiter;
    this.#delimiterCode = options.delimiter.charCodeAt(0);
    this.#latin1 = options.fallback === "latin1";
  }

  push(bytes: Buffer, final: boolean): CsvRow[] {
    this.#suspicious = !isUtf8(bytes);
    let text = this.#suspicious && this.#latin1 ? mixedText(bytes) : bytes.toString("utf8");
    if (this.#first && text.length > 0) {
      this.#first = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    this.#text = this.#text.length === 0 ? text : this.#text + text;
    const rows: CsvRow[] = [];
    let at = 0;
    while (at < this.#text.length) {
      const next = this.#row(at, final, rows);
      if (next < 0) break;
      at = next;
    }
    this.#text = this.#text.slice(at);
    return rows;
  }

  /** Reads the row at `at`; returns the start of the next one, or -1 where its end is not here yet. */
  #row(at: number, final: boolean, rows: CsvRow[]): number {
    const text = this.#text;
    let end = text.indexOf("\n", at);
    if (end < 0) {
      if (!final) return this.#overlong(at, rows);
      end = text.length;
    }
    const next = end + 1;
    if (this.#skipping) {
      this.#skipping = false;
      this.#line++;
      return next;
    }
    const stop = end > at && text.charCodeAt(end - 1) === RETURN ? end - 1 : end;
    const line = text.slice(at, stop);
    if (line.indexOf('"') >= 0) return this.#quotedRow(at, next, final, rows);
    if (line.length > 0) this.#add(rows, line.split(this.#delimiter), line);
    this.#line++;
    return next;
  }

  #overlong(at: number, rows: CsvRow[]): number {
    if (this.#text.length - at < ROW_CHARS_MAX) return -1;
    if (!this.#skipping) rows.push({ line: this.#line, fields: NO_FIELDS, refusal: "row-too-long" });
    this.#skipping = true;
    return this.#text.length;
  }

  #add(rows: CsvRow[], fields: readonly string[], source: string): void {
    const broken = this.#suspicious && !this.#latin1 && source.includes("\ufffd");
    rows.push({ line: this.#line, fields, refusal: broken ? "invalid-utf8" : null });
  }

  /** A row with quotes; it may go on over line ends. A refused one ends with its first line. */
  #quotedRow(at: number, lineEnd: number, final: boolean, rows: CsvRow[]): number {
    const text = this.#text;
    const fields: string[] = [];
    let i = at;
    for (;;) {
      let field: string;
      if (text.charCodeAt(i) === QUOTE) {
        const close = closingQuote(text, i + 1);
        if (close < 0) {
          if (!final && text.length - at < ROW_CHARS_MAX) return -1;
          return this.#refuseLine(rows, "unclosed-quote", lineEnd);
        }
        field = text.slice(i + 1, close).replaceAll('""', '"');
        i = close + 1;
      } else {
        const start = i;
        while (
          i < text.length &&
          text.charCodeAt(i) !== this.#delimiterCode &&
          text.charCodeAt(i) !== NEWLINE
        )
          i++;
        field = text.slice(start, i);
        if (text.charCodeAt(i) !== this.#delimiterCode && field.endsWith("\r")) field = field.slice(0, -1);
      }
      fields.push(field);
      if (text.charCodeAt(i) === this.#delimiterCode) {
        i++;
        continue;
      }
      if (text.charCodeAt(i) === RETURN && text.charCodeAt(i + 1) === NEWLINE) i++;
      if (i < text.length && text.charCodeAt(i) !== NEWLINE) {
        return this.#refuseLine(rows, "stray-quote", lineEnd);
      }
      this.#add(rows, fields, text.slice(at, i));
      for (let k = at; k < i; k++) if (text.charCodeAt(k) === NEWLINE) this.#line++;
      this.#line++;
      return i + 1;
    }
  }

  #refuseLine(rows: CsvRow[], refusal: string, lineEnd: number): number {
    rows.push({ line: this.#line++, fields: NO_FIELDS, refusal });
    return lineEnd;
  }
}

/** Lines each in UTF-8 or, where they are none, in Latin-1: what a line says does not depend on those around it. */
function mixedText(bytes: Buffer): string {
  let text = "";
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from);
    const line = bytes.subarray(from, newline < 0 ? bytes.length : newline + 1);
    text += line.toString(isUtf8(line) ? "utf8" : "latin1");
    from += line.length;
  }
  return text;
}

/** Position of the quote that ends the field, or -1; a doubled quote stands for one. */
function closingQuote(text: string, from: number): number {
  for (let i = text.indexOf('"', from); i >= 0; i = text.indexOf('"', i + 2)) {
    if (text.charCodeAt(i + 1) !== QUOTE) return i;
  }
  return -1;
}
