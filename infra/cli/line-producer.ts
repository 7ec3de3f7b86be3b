import { isUtf8 } from "node:buffer";
import {
  type EventContract,
  encodeAvro,
  type JsonStructure,
  MillraceError,
  validateEvent,
} from "../../schema/index.ts";
import {
  type AppendBatch,
  type ByteLine,
  type EventLog,
  partitionOf,
  TopicWriter,
} from "../../stream/index.ts";
import { PartialFailure } from "./cli-io.ts";

const APPEND_RECORDS_MAX = 1_000;
/** With a rate, records go out in as many portions a second. */
const PORTIONS_PER_SECOND = 20;
const EXAMPLES_MAX = 10;

export interface LineProducerOptions {
  readonly log: EventLog;
  readonly contract: EventContract;
  readonly partitions: number;
  /** Schema id of Avro records; null writes the lines as they are, as JSON. */
  readonly schemaId: number | null;
  /** Records a second at most, or null. */
  readonly ratePerSecond: number | null;
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface RefusedLine {
  readonly line: number;
  readonly reason: string;
  readonly field: string | null;
  readonly detail: string;
}

/** What became of the lines. Records that count as produced are durable in the log. */
export interface Produced {
  lines: number;
  produced: number;
  readonly refused: Record<string, number>;
  readonly refusedExamples: RefusedLine[];
  readonly producedByPartition: number[];
}

type Problem = Omit<RefusedLine, "line">;

/** Appends lines of JSON to a contract's topic, by its key; lines that are no events of it are left out and counted. */
export class LineProducer {
  readonly report: Produced;
  private readonly options: LineProducerOptions;
  private readonly writer: TopicWriter;
  private readonly startedAt: number;
  /** Lines, from the first on, that are appended or refused for good. */
  private linesDone = 0;

  constructor(options: LineProducerOptions) {
    const { contract, partitions, clock } = options;
    this.options = options;
    this.writer = new TopicWriter(contract.topic, partitions);
    this.startedAt = clock();
    this.report = {
      lines: 0,
      produced: 0,
      refused: {},
      refusedExamples: [],
      producedByPartition: new Array<number>(partitions).fill(0),
    };
  }

  /** Resolves when the lines are in the log. A crash before leaves a beginning of them there. */
  async take(lines: readonly ByteLine[], signal: AbortSignal): Promise<void> {
    const { ratePerSecond } = this.options;
    const portion =
      ratePerSecond === null
        ? APPEND_RECORDS_MAX
        : Math.min(APPEND_RECORDS_MAX, Math.max(1, Math.ceil(ratePerSecond / PORTIONS_PER_SECOND)));
    for (let from = 0; from < lines.length && !signal.aborted; from += portion) {
      await this.pace();
      for (const line of lines.slice(from, from + portion)) this.write(line);
      await this.append();
    }
  }

  /** A failure, with how far the lines had come by then. */
  failureOf(error: unknown): unknown {
    if (!(error instanceof MillraceError)) return error;
    const { lines, produced } = this.report;
    const { linesDone } = this;
    const begun =
      lines === linesDone
        ? ""
        : `; of lines ${count(linesDone + 1)} to ${count(lines)}, which were under way, some may be, too`;
    return new PartialFailure(
      `${error.message}; ${count(produced)} records of the first ${count(linesDone)} lines are appended${begun}`,
      { cause: error, progress: { produced, linesDone, linesBegun: lines } },
    );
  }

  private async pace(): Promise<void> {
    const { ratePerSecond, clock, sleep } = this.options;
    if (ratePerSecond === null) return;
    const waitMs = this.startedAt + (1000 * this.report.produced) / ratePerSecond - clock();
    if (waitMs > 0) await sleep(waitMs);
  }

  private async append(): Promise<void> {
    const batches: AppendBatch[] = [];
    this.writer.drain(batches);
    if (batches.length > 0) await this.options.log.append(batches);
    this.linesDone = this.report.lines;
    for (const { partition, count: records } of batches) {
      this.report.produced += records;
      this.report.producedByPartition[partition] += records;
    }
  }

  private write({ line, bytes }: ByteLine): void {
    this.report.lines++;
    const problem = bytes === null ? tooLong : this.writeRecord(bytes);
    if (problem === null) return;
    const { refused, refusedExamples } = this.report;
    refused[problem.reason] = (refused[problem.reason] ?? 0) + 1;
    if (refusedExamples.length < EXAMPLES_MAX) refusedExamples.push({ line, ...problem });
  }

  private writeRecord(bytes: Buffer): Problem | null {
    const { contract, partitions, schemaId } = this.options;
    if (!isUtf8(bytes))
      return { reason: "invalid-utf8", field: null, detail: "the line is no well-formed UTF-8" };
    let event: Readonly<Record<string, string | number | boolean | null | JsonStructure>>;
    try {
      event = JSON.parse(bytes.toString());
    } catch (error) {
      return { reason: "invalid-json", field: null, detail: (error as Error).message.slice(0, 200) };
    }
    const validation = validateEvent(contract, event);
    if (!validation.ok)
      return { reason: validation.reason, field: validation.field, detail: validation.detail };
    const partition = partitionOf(Buffer.from(String(event[contract.keyField])), partitions);
    this.writer.putBytes(partition, schemaId === null ? bytes : encodeAvro(contract, event, schemaId));
    return null;
  }
}

const count = (n: number): string => n.toLocaleString("en");

const tooLong: Problem = {
  reason: "too-large",
  field: null,
  detail: "the line is longer than recordBytesMax",
};
