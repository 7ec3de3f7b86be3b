import type { Command } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import type { EventLog, LogReader } from "../../../stream/index.ts";
import { type CliIo, type Interruption, onInterrupt } from "../cli-io.ts";
import { withTopic } from "../log-session.ts";
import { offsetOrEnd, wholeNumber } from "../option-values.ts";
import { READ_RECORDS_MAX, RecordReader, type ShownRecord } from "../record-reader.ts";
import { configOf, withSettings } from "../settings-options.ts";

interface ConsumeOptions extends Record<string, unknown> {
  readonly from: "begin" | "end" | number;
  readonly partition?: number;
  readonly max?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const READ_BYTES_MAX = 4 << 20;
const WAIT_MS = 250;

export function registerConsume(program: Command, io: CliIo): void {
  withSettings(program.command("consume"))
    .description("print records of a topic, JSON or Avro, as one JSON value a line; commits no offsets")
    .argument("<topic>", "such as alerts")
    .option("--from <where>", "begin, end or an offset (with --partition)", offsetOrEnd, "begin")
    .option("--partition <n>", "this one only", wholeNumber(0, 100_000))
    .option("--max <n>", "stop after so many records", wholeNumber(1))
    .option("--follow", "wait for more until Ctrl-C, instead of stopping at the end")
    .option("--json", "one JSON document a record: place, schema id, value, or why it is refused")
    .addHelpText(
      "after",
      `
Examples:
  $ millrace consume alerts --from end --follow
  $ millrace consume orders --partition 0 --from 1000 --max 10 --json`,
    )
    .action((topic: string, options: ConsumeOptions) => consume(topic, options, io));
}

async function consume(topic: string, options: ConsumeOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const interruption = onInterrupt();
  try {
    await withTopic(topic, config, io, { makesHome: false }, async ({ adapters, partitions }) => {
      const chosen = partitionsOf(topic, partitions, options);
      const reader = new RecordReader(topic, adapters.schemas, config.recordBytesMax);
      const inputs = await Promise.all(chosen.map((p) => openInput(adapters.log, topic, p, options.from)));
      const show = options.json === true ? showWhole : showValue;
      try {
        await printRecords(inputs, reader, options, interruption, (record) => show(record, io));
      } finally {
        for (const { reader: open } of inputs) open.close();
      }
    });
  } finally {
    interruption.dispose();
  }
}

function partitionsOf(topic: string, partitions: number, { partition, from }: ConsumeOptions): number[] {
  if (partition === undefined) {
    if (typeof from === "number" && partitions > 1)
      throw usage(`offsets are a partition's: say which of the ${partitions} of ${topic} with --partition`);
    return Array.from({ length: partitions }, (_, index) => index);
  }
  if (partition >= partitions)
    throw usage(`${topic} has partitions 0 to ${partitions - 1}, not ${partition}`);
  return [partition];
}

function usage(message: string): MillraceError {
  return new MillraceError(message, { code: "bad-partition", origin: "user" });
}

interface ConsumeInput {
  readonly reader: LogReader;
  /** Where the partition ended at the start. */
  readonly end: number;
}

async function openInput(
  log: EventLog,
  topic: string,
  partition: number,
  from: ConsumeOptions["from"],
): Promise<ConsumeInput> {
  const { begin, end } = await log.offsets(topic, partition);
  const offset = from === "begin" ? begin : from === "end" ? end : from;
  return { reader: await log.reader(topic, partition, offset), end };
}

/** All partitions in turn; ends at their ends, at the maximum, or when interrupted. */
async function printRecords(
  inputs: readonly ConsumeInput[],
  decoder: RecordReader,
  { follow, max }: ConsumeOptions,
  { signal }: Interruption,
  print: (record: ShownRecord) => void,
): Promise<void> {
  let left = max ?? Number.POSITIVE_INFINITY;
  while (left > 0 && !signal.aborted) {
    const open = inputs.filter(({ reader, end }) => follow === true || reader.position < end);
    if (open.length === 0) return;
    let read = 0;
    for (const { reader, end } of open) {
      const recordsMax = Math.min(
        READ_RECORDS_MAX,
        left,
        follow === true ? READ_RECORDS_MAX : end - reader.position,
      );
      const batch = recordsMax > 0 ? reader.read({ recordsMax, bytesMax: READ_BYTES_MAX }) : null;
      if (batch === null) continue;
      for (const record of decoder.read(batch)) print(record);
      read += batch.count;
      left -= batch.count;
    }
    if (read === 0) await Promise.race([...open.map(({ reader }) => reader.wait(WAIT_MS))]);
  }
}

function showWhole(record: ShownRecord, io: CliIo): void {
  io.out(`${JSON.stringify(record)}\n`);
}

/** What has no value is told on standard error, so that standard output can be produced again. */
function showValue(record: ShownRecord, io: CliIo): void {
  const { topic, partition, offset, format, value, refused, bytes } = record;
  if (value !== null) {
    io.out(`${JSON.stringify(value)}\n`);
    return;
  }
  const why =
    refused !== null
      ? `${refused.reason}${refused.field === null ? "" : ` (${refused.field})`}: ${refused.detail}`
      : format === "end-of-input"
        ? "end of input"
        : `${Buffer.byteLength(bytes ?? "", "base64")} bytes of another form (--json shows them)`;
  io.err(`${topic}/${partition}@${offset}: ${why}\n`);
}
