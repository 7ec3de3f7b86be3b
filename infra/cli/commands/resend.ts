import { resolve } from "node:path";
import type { Command } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import { byteLines, type InputFile, openInputFile, type ResendOutcome } from "../../../stream/index.ts";
import { deadLetterResendsOf } from "../../platform/dead-letter-resends.ts";
import { type CliIo, onInterrupt, Progress, ReportedFailure } from "../cli-io.ts";
import { LetterSender, type SentLetters } from "../letter-sender.ts";
import { listedResend, noSuchLetter, sentBy } from "../letter-texts.ts";
import { withPlatform } from "../platform-session.ts";
import { authorOf } from "../plugin-argument.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface ResendOptions extends Record<string, unknown> {
  readonly payload?: string;
  readonly from?: string;
  readonly note?: string;
  readonly json?: boolean;
}

/** A line may escape each byte of a record, and has some more beside it. */
const LINE_BYTES_PER_RECORD_BYTE = 6;
const LINE_BYTES_BESIDE = 64 << 10;

/** Adds `resend` to the commands about dead letters. */
export function registerResend(letters: Command, io: CliIo): void {
  withSettings(letters.command("resend"))
    .description("send letters again, repaired or as they were received, each once")
    .argument("[id]", "of one letter, TOPIC-PARTITION-OFFSET")
    .option("--payload <file>", "its repaired record; - reads standard input")
    .option("--from <file>", "letters one a line, as `export` writes them; - reads standard input")
    .option("--note <text>", "for the record")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
The letter's contract must take the record, as the pipeline would; else nothing is sent. It is appended to the
letter's topic, together with the record that it was: bronze.dead_letter_resends. A letter that was sent is not
sent again, whoever asks. With any that is refused or not found, the exit code is 1.

Examples:
  $ millrace dead-letters resend orders-0-12 --payload repaired.json --note "price was text"
  $ millrace dead-letters export --reason unknown-schema | millrace dead-letters resend --from -`,
    )
    .action((id: string | undefined, options: ResendOptions) => resend(id, options, io));
}

async function resend(id: string | undefined, options: ResendOptions, io: CliIo): Promise<void> {
  const { payload, from } = options;
  if ((id === undefined) === (from === undefined) || (from !== undefined && payload !== undefined))
    throw new MillraceError("resend takes the ID of a letter (with --payload FILE), or --from FILE", {
      code: "wrong-usage",
      origin: "user",
    });
  if (id !== undefined) await resendOne(id, options, io);
  else await resendLines(from ?? "-", options, io);
}

async function resendOne(id: string, options: ResendOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const payload = options.payload === undefined ? null : await bytesOf(options.payload, io);
  const [outcome] = await withPlatform(config, io, { runsWorkers: false }, (platform) =>
    deadLetterResendsOf(platform).send([{ id, payload }], authorshipOf(options, io)),
  );
  if (outcome.kind === "not-found") throw noSuchLetter(id);
  if (options.json === true) io.out(`${JSON.stringify(shown(outcome))}\n`);
  if (outcome.kind === "refused") {
    const { reason, field, detail } = outcome.refusal;
    throw new ReportedFailure(
      `${id} is refused again: ${reason}${field === null ? "" : ` (${field})`}: ${detail}`,
    );
  }
  if (options.json === true) return;
  const what = outcome.kind === "sent" ? "sent" : "was sent before";
  io.out(`${id}: ${what} ${sentBy(outcome.resend)}\n`);
}

function shown(outcome: ResendOutcome): object {
  const { id, kind } = outcome;
  return {
    id,
    outcome: kind,
    resend: "resend" in outcome ? listedResend(outcome.resend) : null,
    refusal: "refusal" in outcome ? outcome.refusal : null,
  };
}

async function resendLines(file: string, options: ResendOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const source = await sourceOf(file, io);
  const lineBytesMax = config.recordBytesMax * LINE_BYTES_PER_RECORD_BYTE + LINE_BYTES_BESIDE;
  const interruption = onInterrupt();
  const input = source?.read() ?? io.input(interruption.signal);
  const report = await withPlatform(config, io, { runsWorkers: false }, async (platform) => {
    const sender = new LetterSender(deadLetterResendsOf(platform), authorshipOf(options, io));
    const progress = new Progress(io);
    try {
      for await (const lines of byteLines(input, lineBytesMax)) {
        await sender.take(lines, interruption.signal);
        if (interruption.signal.aborted) break;
        progress.show(() => `${sender.report.sent.toLocaleString("en")} letters sent again`);
      }
      await sender.flush();
    } catch (error) {
      throw sender.failureOf(error);
    } finally {
      progress.end();
    }
    return sender.report;
  }).finally(() => interruption.dispose());
  tell(report, options, io);
}

function tell(report: SentLetters, options: ResendOptions, io: CliIo): void {
  const { sent, alreadySent, notFound, refused, refusedExamples } = report;
  const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
  if (options.json === true) io.out(`${JSON.stringify(report)}\n`);
  else {
    const counts = { sent, "already sent": alreadySent, "not found": notFound, "refused again": refusals };
    io.out(textTable(Object.entries(counts), ""));
    io.out(textTable(Object.entries(refused), "  "));
    for (const { line, id, reason, field, detail } of refusedExamples)
      io.out(
        `  line ${line}${id === null ? "" : `, ${id}`}: ${reason}${field === null ? "" : ` (${field})`}: ${detail}\n`,
      );
  }
  if (refusals + notFound > 0)
    throw new ReportedFailure(`${refusals + notFound} letters were refused or not found`);
}

/** The opened file, or null where it is standard input. */
async function sourceOf(file: string, io: CliIo): Promise<InputFile | null> {
  return file === "-" ? null : openInputFile(resolve(io.folder, file));
}

async function bytesOf(file: string, io: CliIo): Promise<Buffer> {
  const pieces: Buffer[] = [];
  // Nothing is sent yet: a signal ends the process as it does any other.
  const input = (await sourceOf(file, io))?.read() ?? io.input(new AbortController().signal);
  for await (const piece of input) pieces.push(piece);
  return Buffer.concat(pieces);
}

function authorshipOf({ note = null }: { readonly note?: string | null }, io: CliIo) {
  return { resentBy: authorOf(io), note };
}
