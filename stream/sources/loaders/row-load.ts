import { contractByTopic, MillraceError } from "../../../schema/index.ts";
import type { ChunkAppender } from "./chunk-appender.ts";
import { type CsvRow, csvRows } from "./csv-rows.ts";
import { firstLines } from "./first-lines.ts";
import type { MapperContext, RowFormat, RowLayout, RowMapper } from "./format.ts";
import type { InputFile } from "./input-file.ts";
import type { LoadTally } from "./load-tally.ts";
import { TimeCensus } from "./time-census.ts";
import type { TimeRange } from "./time-plan.ts";

export interface RowLoadOptions {
  /** What tells this load's event ids from those of the first; empty for the first. */
  readonly again: string;
  /** Rows above this are refused. */
  readonly recordBytesMax: number;
  /** Names of all formats, for an error's message. */
  readonly formats: readonly string[];
  /** Throws where the load shall end. */
  readonly stopIfAsked: () => void;
  /** Records that are held in memory to put them in order. */
  readonly sortedRecordsMax: number;
}

interface WaitingRecord {
  readonly ms: number;
  readonly topic: string;
  readonly key: string;
  readonly text: string;
}

/**
 * A file of rows. These are history, and are loaded in the order of their times: some public files are sorted by
 * session, or not at all, and nearly every event of theirs would come too late for any window. Our own NDJSON is left
 * in its order, which is that of arrival.
 */
export class RowLoad {
  readonly topics: readonly string[];
  readonly #file: InputFile;
  readonly #format: RowFormat;
  readonly #options: RowLoadOptions;
  readonly #idPrefix: string;
  #layout: RowLayout | null = null;
  #census: TimeCensus | null = null;

  constructor(file: InputFile, format: RowFormat, options: RowLoadOptions) {
    this.#file = file;
    this.#format = format;
    this.#options = options;
    this.topics = format.topics;
    const run = options.again === "" ? "" : `.${options.again}`;
    this.#idPrefix = `${format.name}-${file.fingerprint.slice(0, 12)}${run}-`;
  }

  async probe(): Promise<void> {
    const [first] = await firstLines(this.#file, 1);
    this.#layout = this.#format.recognise(first ?? "");
    if (this.#layout !== null) return;
    const start = (first ?? "").slice(0, 120).replace(/[^\x20-\x7e\t]/g, "?");
    throw new MillraceError(
      `${this.#file.path} is not ${this.#format.name}: its first line is "${start}", expected ${this.#format.expected}. ` +
        `Formats: ${this.#options.formats.join(", ")}.`,
      { code: "wrong-format", origin: "user" },
    );
  }

  /** First and last event time. */
  async range(tally: LoadTally): Promise<TimeRange> {
    return (await this.#look(tally)).range;
  }

  /** Yields true where the chunk is full, false at the end of a piece of the file. */
  async *run(
    rewrite: (ms: number) => number,
    tally: LoadTally,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const census = await this.#look(tally);
    if (census.inOrder) yield* this.#inOrderOfFile(rewrite, tally, appender);
    else yield* this.#inOrderOfTime(census, rewrite, tally, appender);
  }

  /** Reads the file once, whole: what is appended depends on it. */
  async #look(tally: LoadTally): Promise<TimeCensus> {
    if (this.#census !== null) return this.#census;
    const census = new TimeCensus();
    const mapper = this.#mapper(asItIs, (topic, _key, value) => census.add(topic, timeOf(topic, value)));
    for await (const rows of this.#rows(tally.onChecked)) {
      for (const row of rows) this.#map(mapper, row);
      this.#options.stopIfAsked();
    }
    mapper.end?.();
    this.#census = census;
    return census;
  }

  async *#inOrderOfFile(
    rewrite: (ms: number) => number,
    tally: LoadTally,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const mapper = this.#mapper(rewrite, (topic, key, value) =>
      appender.add(topic, Buffer.from(key), JSON.stringify(value)),
    );
    for await (const rows of this.#rows(tally.onRead())) {
      for (const row of rows) {
        this.#count(tally, row, this.#map(mapper, row));
        if (appender.endRow()) yield true;
      }
      yield false;
    }
    mapper.end?.();
    appender.endRow();
  }

  /** Reads the file once for each slice of its time, so that memory is bounded; a slice is sorted. */
  async *#inOrderOfTime(
    census: TimeCensus,
    rewrite: (ms: number) => number,
    tally: LoadTally,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const slices = census.slices(this.#options.sortedRecordsMax);
    for (const [pass, { fromMs, toMs }] of slices.entries()) {
      const records: WaitingRecord[] = [];
      const mapper = this.#mapper(asItIs, (topic, key, value) => {
        const ms = timeOf(topic, value);
        if (ms < fromMs || ms >= toMs) return;
        const text = JSON.stringify({ ...value, [timeFieldOf(topic)]: rewrite(ms) });
        records.push({ ms, topic, key, text });
      });
      for await (const rows of this.#rows(tally.onRead(pass, slices.length))) {
        for (const row of rows) {
          const refusal = this.#map(mapper, row);
          if (pass === 0) this.#count(tally, row, refusal);
        }
        yield false;
      }
      mapper.end?.();
      // Stable: of one time, the order of the file.
      records.sort((a, b) => a.ms - b.ms);
      for (const { topic, key, text } of records) {
        appender.add(topic, Buffer.from(key), text);
        if (appender.endRow()) yield true;
      }
    }
  }

  #mapper(time: (ms: number) => number, emit: MapperContext["emit"]): RowMapper {
    const eventId: MapperContext["eventId"] = (line, suffix) =>
      `${this.#idPrefix}${line}${suffix === undefined ? "" : `-${suffix}`}`;
    return this.#layout!.createMapper({ eventId, time, emit });
  }

  /** The file's rows without its header. */
  async *#rows(onRead: (bytesRead: number) => void): AsyncGenerator<CsvRow[]> {
    let header = this.#layout!.header;
    for await (const rows of csvRows(this.#file.read(onRead), this.#layout!)) {
      const first = header && rows.length > 0 ? 1 : 0;
      if (first === 1) header = false;
      yield first === 0 ? rows : rows.slice(first);
    }
  }

  /** Why the row is refused, or null. */
  #map(mapper: RowMapper, { fields, line, refusal }: CsvRow): string | null {
    return refusal ?? this.#sizeRefusal(fields) ?? mapper.row(fields, line);
  }

  #sizeRefusal(fields: readonly string[]): string | null {
    let chars = 0;
    for (const field of fields) chars += field.length;
    return chars > this.#options.recordBytesMax ? "row-too-long" : null;
  }

  #count(tally: LoadTally, { line }: CsvRow, refusal: string | null): void {
    tally.rowsRead++;
    if (refusal !== null) tally.refuse(line, refusal);
  }
}

const asItIs = (ms: number): number => ms;

function timeFieldOf(topic: string): string {
  return contractByTopic(topic)!.timeField;
}

function timeOf(topic: string, value: Readonly<Record<string, unknown>>): number {
  return value[timeFieldOf(topic)] as number;
}
