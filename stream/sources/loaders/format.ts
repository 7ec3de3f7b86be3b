import type { CsvOptions } from "./csv-rows.ts";

/** What a row mapper is given. */
export interface MapperContext {
  /** The idempotency key of an event of this line, the same in every run: format, file, line, suffix. */
  eventId(line: number, suffix?: string): string;
  /** The event time to write for a time of the file, ms: kept, shifted or compressed. */
  time(ms: number): number;
  /** Adds a record: its partition is chosen by `key`. */
  emit(topic: string, key: string, value: Readonly<Record<string, unknown>>): void;
}

/** Maps the rows of one file in order. A pure function of the rows, so that a resumed load repeats itself. */
export interface RowMapper {
  /** Emits the row's events; returns why the row is refused, or null. */
  row(fields: readonly string[], line: number): string | null;
  /** Emits what was waiting for more rows. */
  end?(): void;
}

/** A public file format of rows. */
export interface RowFormat {
  readonly name: string;
  readonly doc: string;
  /** Topics that it writes. */
  readonly topics: readonly string[];
  /**
   * Reads the first line. Returns how to go on, or null where the line is not of this format.
   */
  recognise(firstLine: string): RowLayout | null;
  /** The first line that it expects, for the error message. */
  readonly expected: string;
}

export interface RowLayout extends CsvOptions {
  readonly header: boolean;
  createMapper(context: MapperContext): RowMapper;
}

/** Positions of named columns in a header line, or null where one is missing. */
export function columnPositions(
  header: string,
  delimiter: string,
  names: readonly string[],
): readonly number[] | null {
  const columns = header.split(delimiter).map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .toLowerCase(),
  );
  const positions = names.map((name) => columns.indexOf(name.toLowerCase()));
  return positions.includes(-1) ? null : positions;
}
