import type { Command } from "commander";
import {
  type DeadLetter,
  findDeadLetters,
  isCut,
  letterIdOf,
  letterKeyOf,
  letterPlaceOf,
  type Resend,
} from "../../../stream/index.ts";
import { deadLetterResendsOf } from "../../platform/dead-letter-resends.ts";
import type { Platform } from "../../platform/platform.ts";
import type { CliIo } from "../cli-io.ts";
import { letterLine } from "../letter-lines.ts";
import { type FoundLetter, letterPages } from "../letter-pages.ts";
import { listedResend, noSuchLetter, sentBy } from "../letter-texts.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";
import { registerResend } from "./resend.ts";

interface DeadLetterOptions extends Record<string, unknown> {
  readonly limit?: number;
  readonly reason?: string;
  readonly topic?: string;
  readonly unsent?: boolean;
  readonly json?: boolean;
}

const SHOWN_CHARS_MAX = 80;

export function registerDeadLetters(program: Command, io: CliIo): void {
  const letters = program
    .command("dead-letters")
    .description("refused records: list and show them, repair them and send them again")
    .addHelpText(
      "after",
      `
Repair and send many, with any editor in between; what is sent once stays sent, so it can be repeated:
  $ millrace dead-letters export --reason wrong-type > letters.ndjson
  $ millrace dead-letters resend --from letters.ndjson`,
    );
  const filtered = (command: Command): Command =>
    withSettings(command)
      .option("--reason <reason>", "only those refused for this")
      .option("--topic <topic>", "only those of this topic");

  filtered(letters.command("list", { isDefault: true }))
    .description("newest first, with reason, and whether they were sent again; without a subcommand, too")
    .option("--limit <n>", "records to list", wholeNumber(1, 10_000), 20)
    .option("--unsent", "only those that were not sent again")
    .option("--json", "one JSON document on standard output, with the records whole")
    .addHelpText("after", "\nExample:\n  $ millrace dead-letters --reason unknown-symbol --limit 5")
    .action((options: DeadLetterOptions) => list(options, io));
  withSettings(letters.command("show"))
    .description("one letter with its record")
    .argument("<id>", "TOPIC-PARTITION-OFFSET, as they are listed")
    .option("--json", "one JSON document on standard output")
    .action((id: string, options: DeadLetterOptions) => show(id, options, io));
  filtered(letters.command("export"))
    .description("letters that were not sent again, one JSON object a line, oldest first, to be repaired")
    .option("--limit <n>", "letters at most; by default all", wholeNumber(1))
    .addHelpText(
      "after",
      `
A line has id, reason, field, message, and the record: as "payload" (the event, or its text where it is no JSON
object) or, where it is no UTF-8, as "payloadBase64". Of a record above 64 KiB it has the beginning, and "isCut".

Example:
  $ millrace dead-letters export --topic orders | jq -c '.payload.currency = "EUR"' > letters.ndjson`,
    )
    .action((options: DeadLetterOptions) => exportLetters(options, io));
  registerResend(letters, io);
}

async function list(options: DeadLetterOptions, io: CliIo): Promise<void> {
  const found: FoundLetter[] = [];
  await withPlatform(configOf(options, io), io, { runsWorkers: false }, async (platform) => {
    for await (const page of pagesOf(platform, options, "desc")) found.push(...page);
  });
  if (options.json === true) {
    io.out(`${JSON.stringify({ deadLetters: found.map(listed) })}\n`);
    return;
  }
  const lines = found.map(({ letter, resend }) => [
    letterIdOf(letter),
    letter.reason,
    letter.field ?? "",
    resend === null ? "" : `sent as ${resend.resentEventId}`,
    shown(letter.bytes.toString()),
  ]);
  io.out(lines.length === 0 ? "There are no such dead letters.\n" : textTable(lines, ""));
}

function pagesOf(platform: Platform, options: DeadLetterOptions, order: "asc" | "desc") {
  const { limit = Number.POSITIVE_INFINITY, ...filter } = options;
  return letterPages(platform.queryEngine, deadLetterResendsOf(platform), filter, { order, limit });
}

async function show(id: string, options: DeadLetterOptions, io: CliIo): Promise<void> {
  const place = letterPlaceOf(id);
  const found = await withPlatform(configOf(options, io), io, { runsWorkers: false }, async (platform) => {
    const letters = await findDeadLetters(platform.queryEngine, place === null ? [] : [place]);
    const letter = letters.get(id);
    if (letter === undefined) return null;
    const key = letterKeyOf(letter);
    return { letter, resend: (await deadLetterResendsOf(platform).find([key])).get(key) ?? null };
  });
  if (found === null) throw noSuchLetter(id);
  if (options.json === true) {
    const { bytes, recordBytes } = found.letter;
    const whole = { ...listed(found), recordBase64: bytes.toString("base64"), recordBytes };
    io.out(`${JSON.stringify({ ...whole, isCut: isCut(found.letter) })}\n`);
    return;
  }
  io.out(described(found.letter, found.resend));
}

function described(letter: DeadLetter, resend: Resend | null): string {
  const { reason, field, detail, bytes, recordBytes, receivedTime } = letter;
  const cut = isCut(letter) ? `, of which the first ${bytes.length.toLocaleString("en")} were kept` : "";
  const rows = [
    ["id", letterIdOf(letter)],
    ["received", new Date(receivedTime).toISOString()],
    ["reason", `${reason}${field === null ? "" : ` (${field})`}: ${detail}`],
    ["record", `${recordBytes.toLocaleString("en")} bytes${cut}`],
    ["sent again", resend === null ? "no" : sentBy(resend)],
  ];
  return `${textTable(rows, "")}\n${printable(bytes.toString(), "\n\t")}\n`;
}

/** For programs: as {@link list} tells of letters. */
function listed({ letter, resend }: FoundLetter): object {
  const { topic, partition, offset, receivedTime, reason, field, detail, bytes } = letter;
  return {
    id: letterIdOf(letter),
    ...{ topic, partition, offset },
    receivedTime: new Date(receivedTime).toISOString(),
    ...{ reason, field, detail },
    record: bytes.toString("utf8"),
    resend: resend === null ? null : listedResend(resend),
  };
}

async function exportLetters(options: DeadLetterOptions, io: CliIo): Promise<void> {
  const { unsent: _unsent, ...rest } = options;
  await withPlatform(configOf(options, io), io, { runsWorkers: false }, async (platform) => {
    for await (const page of pagesOf(platform, { ...rest, unsent: true }, "asc"))
      io.out(page.map(({ letter }) => `${letterLine(letter)}\n`).join(""));
  });
}

/** A record's start on one line. */
function shown(record: string): string {
  return printable(record.slice(0, SHOWN_CHARS_MAX), "");
}

/** A text without what could move a terminal's cursor, some characters apart. */
function printable(text: string, allowed: string): string {
  return text.replaceAll(/[^\x20-\x7e\u00a0-\uffff]/g, (character) =>
    allowed.includes(character) ? character : "·",
  );
}
