import { createHash } from "node:crypto";
import { MillraceError } from "../../../schema/index.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { byteLines } from "./byte-lines.ts";
import { ChunkAppender } from "./chunk-appender.ts";
import { csvRows } from "./csv-rows.ts";
import type { MapperContext, RowFormat, RowLayout } from "./format.ts";
import { type InputFile, openInputFile } from "./input-file.ts";
import { NDJSON, NDJSON_TOPIC, rewriteTime, timeOfLine, userKeyOf } from "./ndjson.ts";
import { onlineRetailFormat } from "./online-retail.ts";
import { rees46Format } from "./rees46.ts";
import { retailrocketFormat } from "./retailrocket.ts";
import { type TimeOption, type TimeRange, timeRewriter } from "./time-plan.ts";
import { yoochooseFormat } from "./yoochoose.ts";

export const ROW_FORMATS: readonly RowFormat[] = [
  rees46Format,
  retailrocketFormat,
  onlineRetailFormat,
  yoochooseFormat,
];

/** Names of all formats, in the order of the help. */
export const FORMAT_NAMES: readonly string[] = [...ROW_FORMATS.map((format) => format.name), NDJSON];

export interface LoadOptions {
  readonly times?: TimeOption;
  /** Appends although the file was loaded before: makes other event ids and another producer of this text. */
  readonly again?: string;
  /** Ends with `end-of-input` on every partition of the format's topics, which closes all windows. */
  readonly endOfInput?: boolean;
  /** Lines and rows above this are refused here. */
  readonly recordBytesMax?: number;
  /** Wall clock, for `shift`. */
  readonly now: () => number;
  /**
   * Called before anything is appended, with the identity of this load and the time. Answers when a
   * load of this identity first began: so a resumed shift writes the same times. Without it, the
   * chunks of a resumed shift lie on a later clock than those before.
   */
  readonly begin?: (producerId: string, nowMs: number) => Promise<number>;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface LoadProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly rows: number;
}

export interface RefusedRow {
  readonly line: number;
  readonly reason: string;
}

export interface LoadReport {
  readonly format: string;
  readonly file: string;
  /** SHA-256 of the file, hex. */
  readonly fingerprint: string;
  /** Rows or lines read, without headers and empty lines. */
  readonly rowsRead: number;
  /** Records of this file by topic, also those that an earlier run appended. */
  readonly eventsByTopic: Readonly<Record<string, number>>;
  /** Rows refused before the log, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** The first refused rows, at most {@link REFUSED_EXAMPLES_MAX}. */
  readonly refusedExamples: readonly RefusedRow[];
  readonly chunks: number;
  readonly chunksAppended: number;
  /** True where an earlier run had appended everything: this one changed nothing. */
  readonly repeat: boolean;
}

export const REFUSED_EXAMPLES_MAX = 20;
const RECORD_BYTES_MAX = 1 << 20;
const PROBE_LINES = 100;

/**
 * Loads a file of a public format into the log, whose topics must exist. Restartable and idempotent:
 * see {@link ChunkAppender}. Rejects with the codes of {@link openInputFile}, `unknown-format`,
 * `wrong-format`, and `interrupted` when the signal fires (what was appended stays, and the next run
 * goes on behind it).
 */
export async function loadInto(
  log: EventLog,
  format: string,
  path: string,
  options: LoadOptions,
): Promise<LoadReport> {
  const rowFormat = ROW_FORMATS.find((candidate) => candidate.name === format);
  if (rowFormat === undefined && format !== NDJSON) {
    throw new MillraceError(`"${format}" is no known format: use one of ${FORMAT_NAMES.join(", ")}.`, {
      code: "unknown-format",
      origin: "user",
    });
  }
  const file = await openInputFile(path);
  const times = options.times ?? { shift: false, compress: 1 };
  const producerId = producerOf(format, file, times, options.again);
  const load = rowFormat === undefined ? new LineLoad(file) : new RowLoad(file, rowFormat, options.again);
  await load.probe();
  const anchorMs = (await options.begin?.(producerId, options.now())) ?? options.now();
  const rewrite = await rewriter(load, times, anchorMs);
  const appender = await ChunkAppender.open(log, producerId, load.topics);
  const tally = new Tally(options, file);
  for await (const step of load.run(rewrite, tally, options, appender)) {
    if (step) await appender.flush();
    if (options.signal?.aborted) throw interrupted(path, tally.rowsRead);
  }
  await appender.flush();
  if (options.endOfInput) await appender.end();
  return {
    format,
    file: path,
    fingerprint: file.fingerprint,
    rowsRead: tally.rowsRead,
    eventsByTopic: appender.eventsByTopic,
    refused: Object.fromEntries(tally.refused),
    refusedExamples: tally.examples,
    chunks: appender.chunks,
    chunksAppended: appender.chunksAppended,
    repeat: appender.chunks > 0 && appender.chunksAppended === 0,
  };
}

function producerOf(format: string, file: InputFile, times: TimeOption, again = ""): string {
  const identity = JSON.stringify([file.fingerprint, times.shift, times.compress, again]);
  return `replay-${format}-${createHash("sha256").update(identity).digest("hex").slice(0, 24)}`;
}

async function rewriter(
  load: RowLoad | LineLoad,
  times: TimeOption,
  anchorMs: number,
): Promise<(ms: number) => number> {
  if (!times.shift && times.compress === 1) return (ms) => ms;
  return timeRewriter(times, await load.range(), anchorMs);
}

function interrupted(path: string, rows: number): MillraceError {
  return new MillraceError(
    `Stopped at row ${rows} of ${path}: run the same command again and it goes on from there.`,
    { code: "interrupted", origin: "user", retry: true },
  );
}

/** What was read and refused so far. */
class Tally {
  rowsRead = 0;
  readonly refused = new Map<string, number>();
  readonly examples: RefusedRow[] = [];
  readonly #onProgress: (progress: LoadProgress) => void;
  readonly #bytesTotal: number;

  constructor(options: LoadOptions, file: InputFile) {
    this.#onProgress = options.onProgress ?? (() => {});
    this.#bytesTotal = file.bytesTotal;
  }

  refuse(line: number, reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    if (this.examples.length < REFUSED_EXAMPLES_MAX) this.examples.push({ line, reason });
  }

  readonly onRead = (bytesRead: number): void => {
    this.#onProgress({ bytesRead, bytesTotal: this.#bytesTotal, rows: this.rowsRead });
  };
}

/** A file of rows. */
class RowLoad {
  readonly topics: readonly string[];
  readonly #file: InputFile;
  readonly #format: RowFormat;
  readonly #idPrefix: string;
  #layout: RowLayout | null = null;

  constructor(file: InputFile, format: RowFormat, again: string | undefined) {
    this.#file = file;
    this.#format = format;
    this.topics = format.topics;
    const run = again === undefined ? "" : `.${again}`;
    this.#idPrefix = `${format.name}-${file.fingerprint.slice(0, 12)}${run}-`;
  }

  async probe(): Promise<void> {
    const [first] = await firstLines(this.#file, 1);
    this.#layout = this.#format.recognise(first ?? "");
    if (this.#layout !== null) return;
    const start = (first ?? "").slice(0, 120).replace(/[^\x20-\x7e\t]/g, "?");
    throw new MillraceError(
      `${this.#file.path} is not ${this.#format.name}: its first line is "${start}", expected ${this.#format.expected}. ` +
        `Formats: ${FORMAT_NAMES.join(", ")}.`,
      { code: "wrong-format", origin: "user" },
    );
  }

  async range(): Promise<TimeRange> {
    let firstMs = Number.POSITIVE_INFINITY;
    let lastMs = Number.NEGATIVE_INFINITY;
    const time = (ms: number): number => {
      firstMs = Math.min(firstMs, ms);
      lastMs = Math.max(lastMs, ms);
      return ms;
    };
    const mapper = this.#layout!.createMapper({ eventId: () => "", time, emit: () => {} });
    for await (const rows of csvRows(this.#file.read(), this.#layout!)) {
      for (const row of rows) if (row.refusal === null) mapper.row(row.fields, row.line);
    }
    return firstMs <= lastMs ? { firstMs, lastMs } : { firstMs: 0, lastMs: 0 };
  }

  /** Yields true where the chunk is full, false at the end of a piece of the file. */
  async *run(
    rewrite: (ms: number) => number,
    tally: Tally,
    options: LoadOptions,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const context: MapperContext = {
      eventId: (line, suffix) => `${this.#idPrefix}${line}${suffix === undefined ? "" : `-${suffix}`}`,
      time: rewrite,
      emit: (topic, key, value) => appender.add(topic, Buffer.from(key), JSON.stringify(value)),
    };
    const mapper = this.#layout!.createMapper(context);
    let header = this.#layout!.header;
    for await (const rows of csvRows(this.#file.read(tally.onRead), this.#layout!)) {
      for (const row of rows) {
        if (header) {
          header = false;
          continue;
        }
        tally.rowsRead++;
        const refusal = row.refusal ?? sizeRefusal(row.fields, options) ?? mapper.row(row.fields, row.line);
        if (refusal !== null) tally.refuse(row.line, refusal);
        if (appender.endRow()) yield true;
      }
      yield false;
    }
    mapper.end?.();
    appender.endRow();
  }
}

function sizeRefusal(fields: readonly string[], options: LoadOptions): string | null {
  let chars = 0;
  for (const field of fields) chars += field.length;
  return chars > (options.recordBytesMax ?? RECORD_BYTES_MAX) ? "row-too-long" : null;
}

/** A file of our own events, appended as they are: the pipeline's dead letters see what is wrong with them. */
class LineLoad {
  readonly topics = [NDJSON_TOPIC];
  readonly #file: InputFile;

  constructor(file: InputFile) {
    this.#file = file;
  }

  async probe(): Promise<void> {
    const lines = await firstLines(this.#file, PROBE_LINES);
    if (lines.some((line) => line.trimStart().startsWith("{"))) return;
    throw new MillraceError(
      `${this.#file.path} is not ${NDJSON}: none of its first lines is a JSON object. Formats: ${FORMAT_NAMES.join(", ")}.`,
      { code: "wrong-format", origin: "user" },
    );
  }

  async range(): Promise<TimeRange> {
    let firstMs = Number.POSITIVE_INFINITY;
    let lastMs = Number.NEGATIVE_INFINITY;
    for await (const lines of byteLines(this.#file.read(), RECORD_BYTES_MAX)) {
      for (const { bytes } of lines) {
        const ms = bytes === null ? null : timeOfLine(bytes);
        if (ms === null) continue;
        firstMs = Math.min(firstMs, ms);
        lastMs = Math.max(lastMs, ms);
      }
    }
    return firstMs <= lastMs ? { firstMs, lastMs } : { firstMs: 0, lastMs: 0 };
  }

  async *run(
    rewrite: (ms: number) => number,
    tally: Tally,
    options: LoadOptions,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const times = options.times ?? { shift: false, compress: 1 };
    const asIs = !times.shift && times.compress === 1;
    const max = options.recordBytesMax ?? RECORD_BYTES_MAX;
    for await (const lines of byteLines(this.#file.read(tally.onRead), max)) {
      for (const { line, bytes } of lines) {
        tally.rowsRead++;
        if (bytes === null) tally.refuse(line, "record-too-large");
        else appender.add(NDJSON_TOPIC, userKeyOf(bytes), asIs ? bytes : rewriteTime(bytes, rewrite));
        if (appender.endRow()) yield true;
      }
      yield false;
    }
  }
}

/** The first lines of a file, each cut at 64 KiB. */
async function firstLines(file: InputFile, count: number): Promise<string[]> {
  let text = "";
  for await (const piece of file.read()) {
    text += piece.toString("utf8");
    if (text.length >= 65_536 || text.split("\n").length > count) break;
  }
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  return text.split(/\r?\n/, count).map((line) => line.slice(0, 65_536));
}
