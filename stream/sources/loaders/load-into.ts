import { createHash } from "node:crypto";
import { contractByTopic, MillraceError } from "../../../schema/index.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { byteLines } from "./byte-lines.ts";
import { ChunkAppender } from "./chunk-appender.ts";
import { firstLines } from "./first-lines.ts";
import type { RowFormat } from "./format.ts";
import { type InputFile, openInputFile } from "./input-file.ts";
import { type LoadProgress, LoadTally, type RefusedRow } from "./load-tally.ts";
import { NDJSON, NDJSON_TOPIC, rewriteTime, timeOfLine, userKeyOf } from "./ndjson.ts";
import { newestTime } from "./newest-time.ts";
import { onlineRetailFormat } from "./online-retail.ts";
import { rees46Format } from "./rees46.ts";
import { retailrocketFormat } from "./retailrocket.ts";
import { RowLoad } from "./row-load.ts";
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
  /**
   * Appends although the file was loaded before. Given the identity of the first load, answers a text that makes
   * other event ids and another producer; the same text goes on with a load that was cut off.
   */
  readonly again?: (producerId: string) => Promise<string>;
  /**
   * Ends with `end-of-input` on the partitions of the format's topics, which closes all windows: but for those
   * in which there are newer events than the file's. These windows are of others, who go on with them.
   */
  readonly endOfInput?: boolean;
  /** Lines and rows above this are refused here. */
  readonly recordBytesMax?: number;
  /** Records that are held in memory to put a file of rows in the order of its times. */
  readonly sortedRecordsMax?: number;
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
  /** The first refused rows. */
  readonly refusedExamples: readonly RefusedRow[];
  readonly chunks: number;
  readonly chunksAppended: number;
  /** True where an earlier run had appended everything: this one changed nothing. */
  readonly repeat: boolean;
}

const RECORD_BYTES_MAX = 1 << 20;
/** Some 300 bytes each. */
const SORTED_RECORDS_MAX = 500_000;
const PROBE_LINES = 100;

/**
 * Loads a file of a public format into the log, whose topics must exist: files of rows in the order of their
 * times, our own NDJSON in its own. Restartable and idempotent: see {@link ChunkAppender}. Rejects with the
 * codes of {@link openInputFile}, `unknown-format`, `wrong-format`, and `interrupted` when the signal fires (what
 * was appended stays, and the next run goes on behind it).
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
  const again = (await options.again?.(producerOf(format, file, times))) ?? "";
  const producerId = producerOf(format, file, times, again);
  const tally = new LoadTally(options.onProgress, file);
  const stopIfAsked = (): void => {
    if (options.signal?.aborted) throw interrupted(path, tally.rowsRead);
  };
  const load =
    rowFormat === undefined
      ? new LineLoad(file, options)
      : new RowLoad(file, rowFormat, {
          again,
          recordBytesMax: options.recordBytesMax ?? RECORD_BYTES_MAX,
          sortedRecordsMax: options.sortedRecordsMax ?? SORTED_RECORDS_MAX,
          formats: FORMAT_NAMES,
          stopIfAsked,
        });
  await load.probe();
  const anchorMs = (await options.begin?.(producerId, options.now())) ?? options.now();
  const rewrite = await rewriter(load, times, anchorMs, tally);
  const appender = await ChunkAppender.open(log, producerId, load.topics);
  const ends = options.endOfInput
    ? await endsOf(log, appender, async () => rewrite((await load.range(tally)).lastMs))
    : null;
  for await (const step of load.run(rewrite, tally, appender)) {
    if (step) await appender.flush();
    stopIfAsked();
  }
  await appender.flush();
  if (ends !== null) await appender.end(ends);
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
  tally: LoadTally,
): Promise<(ms: number) => number> {
  if (!times.shift && times.compress === 1) return (ms) => ms;
  return timeRewriter(times, await load.range(tally), anchorMs);
}

/** Where a file ends the input whose newest event has that time, asked for only where there is something else. */
async function endsOf(
  log: EventLog,
  appender: ChunkAppender,
  lastMs: () => Promise<number>,
): Promise<(topic: string, partition: number) => boolean> {
  const newest = new Map<string, number>();
  for (const { topic, partition } of appender.partitions()) {
    const ms = await newestTime(log, contractByTopic(topic)!, partition);
    if (ms > Number.NEGATIVE_INFINITY) newest.set(`${topic}/${partition}`, ms);
  }
  if (newest.size === 0) return () => true;
  const last = await lastMs();
  return (topic, partition) => (newest.get(`${topic}/${partition}`) ?? last) <= last;
}

function interrupted(path: string, rows: number): MillraceError {
  return new MillraceError(
    `Stopped at row ${rows} of ${path}: run the same command again and it goes on from there.`,
    { code: "interrupted", origin: "user", retry: true },
  );
}

/** A file of our own events, appended as they are: the pipeline's dead letters see what is wrong with them. */
class LineLoad {
  readonly topics = [NDJSON_TOPIC];
  readonly #file: InputFile;
  readonly #options: LoadOptions;

  constructor(file: InputFile, options: LoadOptions) {
    this.#file = file;
    this.#options = options;
  }

  async probe(): Promise<void> {
    const lines = await firstLines(this.#file, PROBE_LINES);
    if (lines.some((line) => line.trimStart().startsWith("{"))) return;
    throw new MillraceError(
      `${this.#file.path} is not ${NDJSON}: none of its first lines is a JSON object. Formats: ${FORMAT_NAMES.join(", ")}.`,
      { code: "wrong-format", origin: "user" },
    );
  }

  async range(tally: LoadTally): Promise<TimeRange> {
    let firstMs = Number.POSITIVE_INFINITY;
    let lastMs = Number.NEGATIVE_INFINITY;
    for await (const lines of byteLines(this.#file.read(tally.onChecked), RECORD_BYTES_MAX)) {
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
    tally: LoadTally,
    appender: ChunkAppender,
  ): AsyncGenerator<boolean> {
    const { times = { shift: false, compress: 1 }, recordBytesMax = RECORD_BYTES_MAX } = this.#options;
    const asIs = !times.shift && times.compress === 1;
    for await (const lines of byteLines(this.#file.read(tally.onRead()), recordBytesMax)) {
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
