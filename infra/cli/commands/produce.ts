import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import { avroSchemaOf, contractVersions, type EventContract, MillraceError } from "../../../schema/index.ts";
import { byteLines, openInputFile } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { subjectOf } from "../../registry/contract-subjects.ts";
import { SchemaRegistry } from "../../registry/schema-registry.ts";
import { type CliIo, interrupted, onInterrupt, Progress, ReportedFailure } from "../cli-io.ts";
import { LineProducer } from "../line-producer.ts";
import { contractOfTopic, withTopic } from "../log-session.ts";
import { wholeNumber } from "../option-values.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface ProduceOptions extends Record<string, unknown> {
  readonly format: "json" | "avro";
  readonly rate?: number;
  readonly json?: boolean;
}

export function registerProduce(program: Command, io: CliIo): void {
  withSettings(program.command("produce"))
    .description(
      "append events, one JSON object a line, to a topic; the contract's key chooses the partition",
    )
    .argument("<topic>", "such as orders")
    .argument("[file]", "plain or gzipped; - or nothing reads standard input", "-")
    .addOption(new Option("--format <format>", "of the records").choices(["json", "avro"]).default("json"))
    .option("--rate <n>", "records a second at most", wholeNumber(1, 10_000_000))
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Lines that are no events of the topic's contract are not appended; with any, the exit code is 1.
A failure half way says how many records and lines were appended by then (with --json: produced, linesDone, linesBegun).

Examples:
  $ millrace produce orders orders.ndjson
  $ tail -f shop.log | millrace produce customer-events --format avro`,
    )
    .action((topic: string, file: string, options: ProduceOptions) => produce(topic, file, options, io));
}

async function produce(topic: string, file: string, options: ProduceOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const contract = contractOfTopic(topic);
  const source = file === "-" ? null : await openInputFile(file);
  const schemaId = options.format === "avro" ? await schemaIdOf(contract, config) : null;
  const began = io.clock();
  const interruption = onInterrupt();
  const { signal } = interruption;
  const input = source?.read() ?? io.input(signal);
  const report = await withTopic(topic, config, io, { makesHome: true }, async ({ adapters, partitions }) => {
    const producer = new LineProducer({
      log: adapters.log,
      contract,
      partitions,
      schemaId,
      ratePerSecond: options.rate ?? null,
      clock: io.clock,
      sleep,
    });
    const progress = new Progress(io);
    try {
      for await (const lines of byteLines(input, config.recordBytesMax)) {
        await producer.take(lines, signal);
        if (signal.aborted) break;
        progress.show(() => `${producer.report.produced.toLocaleString("en")} records appended to ${topic}`);
      }
    } catch (error) {
      throw producer.failureOf(error);
    } finally {
      progress.end();
    }
    return producer.report;
  }).finally(() => interruption.dispose());

  const seconds = (io.clock() - began) / 1000;
  const refused = Object.values(report.refused).reduce((sum, count) => sum + count, 0);
  if (options.json === true) {
    io.out(`${JSON.stringify({ topic, format: options.format, schemaId, ...report, seconds })}\n`);
  } else {
    io.out(
      `${topic}: ${report.produced.toLocaleString("en")} records appended, ${refused} lines refused (${seconds.toFixed(1)} s)\n`,
    );
    io.out(textTable(Object.entries(report.refused), "  "));
    for (const { line, reason, field, detail } of report.refusedExamples)
      io.out(`  line ${line}: ${reason}${field === null ? "" : ` (${field})`}: ${detail}\n`);
  }
  if (signal.aborted && source !== null)
    throw interrupted(`${report.produced.toLocaleString("en")} records of ${file} are in the log`);
  if (refused > 0) throw new ReportedFailure(`${refused} lines were refused`);
}

/** The id under which readers find the contract: the registry's, where there is one. */
async function schemaIdOf(contract: EventContract, config: Config): Promise<number> {
  if (config.mode === "embedded" || config.schemaRegistryUrl === "")
    return contractVersions.indexOf(contract) + 1;
  const subject = subjectOf(contract, config.kafkaTopicPrefix);
  const registry = new SchemaRegistry(config);
  const id = await registry.find(subject, avroSchemaOf(contract));
  if (id !== null) return id;
  throw new MillraceError(
    `${contract.name} version ${contract.version} is not registered as ${subject} at ${registry.url}: run millrace schemas register`,
    { code: "schema-not-registered", origin: "user" },
  );
}
