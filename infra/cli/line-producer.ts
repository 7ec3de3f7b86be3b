import { isUtf8 } from "node:buffer";
import { type EventContract, encodeAvro, type JsonStructure, validateEvent } from "../../schema/index.ts";
import {
  type AppendBatch,
  type ByteLine,
  type EventLog,
  partitionOf,
  TopicWriter,
} from "../../stream/index.ts";

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

  private async pace(): Promise<void> {
    const { ratePerSecond, clock, sleep } = this.options;
    if (ratePerSecond === null) return;
    const waitMs = this.startedAt + (1000 * this.report.produced) / ratePerSecond - clock();
    if (waitMs > 0) await sleep(waitMs);
  }

  private async append(): Promise<void> {
    const batches: AppendBatch[] = [];
    this.writer.drain(batches);
    if (batches.length === 0) return;
    await this.options.log.append(batches);
    for (const { partition, count } of batches) {
      this.report.produced += count;
      this.report.producedByPartition[partition] += count;
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

const tooLong: Problem = {
  reason: "too-large",
  field: null,
  detail: "the line is longer than recordBytesMax",
};
