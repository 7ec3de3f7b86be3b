import { resolve } from "node:path";
import type { Command } from "commander";
import { plantIntervals, SHOP_DEFAULTS, writeNdjson } from "../../../stream/index.ts";
import { type CliIo, interrupted, onInterrupt, Progress } from "../cli-io.ts";
import { isoTime, share, wholeNumber } from "../option-values.ts";
import { asUnwritable } from "../result-file.ts";

/** What 3 GB of memory hold. */
const USERS_MAX = 10_000_000;
const PRODUCTS_MAX = 1_000_000;

interface GenerateOptions {
  readonly events: number;
  readonly out: string;
  readonly json?: boolean;
  readonly seed: number;
  readonly rate: number;
  readonly users: number;
  readonly products: number;
  readonly start: number;
  readonly malformed: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  readonly late: number;
  readonly tooLate: number;
  /** Seconds; as often as the rate allows for where it is not given. */
  readonly flashSaleEvery?: number;
  readonly fraudRingEvery?: number;
}

/** What {@link plantIntervals} does, for the help page. */
function plantDefault(everyMs: number): string {
  return `(default: ${everyMs / 1000}; below ${SHOP_DEFAULTS.eventsPerSecond} events a second so many times longer)`;
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

export function registerGenerate(program: Command, io: CliIo): void {
  const d = SHOP_DEFAULTS;
  program
    .command("generate")
    .description(
      "write a generated shop's customer events as NDJSON, with the planted truth in FILE.truth.json",
    )
    .requiredOption("--events <n>", "lines to write, duplicates and malformed ones included", wholeNumber(1))
    .requiredOption("--out <file>", "file to write")
    .option(
      "--seed <n>",
      "the same seed and options give the same bytes",
      wholeNumber(0, 2 ** 32 - 1),
      d.seed,
    )
    .option("--rate <n>", "customer events a second of event time", wholeNumber(1), d.eventsPerSecond)
    .option("--users <n>", "shoppers, 10 million at most", wholeNumber(1, USERS_MAX), d.users)
    .option("--products <n>", "products, a million at most", wholeNumber(1, PRODUCTS_MAX), d.products)
    .option(
      "--start <time>",
      "event time of the first event (default: 2026-01-01T00:00:00Z)",
      isoTime,
      d.startTime,
    )
    .option("--malformed <share>", "share of events that no decoder may accept", share, d.malformedShare)
    .option("--duplicates <share>", "share of events that come twice", share, d.duplicateShare)
    .option("--out-of-order <share>", "share of events up to 2 s behind", share, d.outOfOrderShare)
    .option("--late <share>", "share of events 3 to 50 s behind", share, d.lateShare)
    .option("--too-late <share>", "share of events 70 to 180 s behind", share, d.tooLateShare)
    .option(
      "--flash-sale-every <s>",
      `seconds from one planted flash sale to the next, 0 for none ${plantDefault(d.flashSaleEveryMs)}`,
      wholeNumber(0),
    )
    .option(
      "--fraud-ring-every <s>",
      `seconds from one planted fraud ring to the next, 0 for none ${plantDefault(d.fraudRingEveryMs)}`,
      wholeNumber(0),
    )
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ millrace generate --events 1e6 --seed 7 --out events.ndjson
  $ millrace generate --events 1e6 --rate 4 --out three-days.ndjson
  $ millrace generate --events 1e6 --rate 4 --flash-sale-every 0 --fraud-ring-every 3600 --out quiet.ndjson`,
    )
    .action((options: GenerateOptions) => generate(options, io));
}

async function generate(options: GenerateOptions, io: CliIo): Promise<void> {
  const began = io.clock();
  const progress = new Progress(io);
  const interruption = onInterrupt();
  const plants = plantIntervals(options.rate);
  const truth = await writeNdjson(resolve(io.folder, options.out), {
    customerEventsMax: options.events,
    seed: options.seed,
    startTime: options.start,
    eventsPerSecond: options.rate,
    users: options.users,
    products: options.products,
    malformedShare: options.malformed,
    duplicateShare: options.duplicates,
    outOfOrderShare: options.outOfOrder,
    lateShare: options.late,
    tooLateShare: options.tooLate,
    flashSaleEveryMs: inMs(options.flashSaleEvery) ?? plants.flashSaleEveryMs,
    fraudRingEveryMs: inMs(options.fraudRingEvery) ?? plants.fraudRingEveryMs,
    signal: interruption.signal,
    onProgress: (lines) =>
      progress.show(() => `${lines.toLocaleString("en")} of ${options.events.toLocaleString("en")} events`),
  })
    .catch((error) => {
      throw asUnwritable(error, options.out);
    })
    .finally(() => {
      progress.end();
      interruption.dispose();
    });
  const seconds = (io.clock() - began) / 1000;
  const { valid, duplicates, malformed } = truth.customerEvents;
  const broken = Object.values(malformed).reduce((sum, count) => sum + count, 0);
  const truthFile = `${options.out}.truth.json`;
  const events = valid + duplicates + broken;
  const figures = { events, valid, duplicates, malformed: broken };
  io.out(
    options.json === true
      ? `${JSON.stringify({ file: options.out, truthFile, seconds, ...figures })}\n`
      : `Wrote ${events.toLocaleString("en")} events to ${options.out} in ${seconds.toFixed(1)} s: ` +
          `${valid.toLocaleString("en")} valid, ${duplicates.toLocaleString("en")} duplicates, ${broken.toLocaleString("en")} malformed.\n` +
          `Planted: ${truth.flashSales.length} flash sales, ${truth.fraudRings.length} fraud rings (${truthFile}).\n`,
  );
  if (interruption.signal.aborted) throw interrupted(`${options.out} has a part of the events`);
}
