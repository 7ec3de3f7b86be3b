import type { Command } from "commander";
import type { CliIo } from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface DeadLetterOptions extends Record<string, unknown> {
  readonly limit: number;
  readonly reason?: string;
  readonly json?: boolean;
}

const SHOWN_CHARS_MAX = 80;

export function registerDeadLetters(program: Command, io: CliIo): void {
  withSettings(program.command("dead-letters"))
    .description("list refused records, newest first, with reason and origin")
    .option("--limit <n>", "records to list", wholeNumber(1, 10_000), 20)
    .option("--reason <reason>", "only those refused for this")
    .option("--json", "one JSON document on standard output, with the records whole")
    .addHelpText("after", "\nExample:\n  $ millrace dead-letters --reason unknown-enum --limit 5")
    .action((options: DeadLetterOptions) => deadLetters(options, io));
}

async function deadLetters(options: DeadLetterOptions, io: CliIo): Promise<void> {
  const condition = options.reason === undefined ? "" : "WHERE reason = $1";
  const parameters = options.reason === undefined ? [] : [options.reason];
  const { rows } = await withPlatform(configOf(options, io), io, { runsWorkers: false }, (platform) =>
    platform.queryEngine.query(
      `SELECT _topic AS topic, _partition AS partition, _offset AS "offset", reason, field, detail, record_base64
       FROM {bronze.dead_letters} ${condition}
       ORDER BY _ingested_at DESC, _topic, _partition, _offset DESC LIMIT ${options.limit}`,
      parameters,
    ),
  );
  const letters = rows.map(({ topic, partition, offset, reason, field, detail, record_base64: record }) => ({
    topic,
    partition: Number(partition),
    offset: Number(offset),
    reason,
    field,
    detail,
    record: Buffer.from(String(record ?? ""), "base64").toString("utf8"),
  }));
  if (options.json === true) {
    io.out(`${JSON.stringify({ deadLetters: letters })}\n`);
    return;
  }
  const lines = letters.map((letter) => [
    `${letter.topic}/${letter.partition}@${letter.offset}`,
    String(letter.reason),
    String(letter.field ?? ""),
    shown(letter.record),
  ]);
  io.out(lines.length === 0 ? "There are no such dead letters.\n" : textTable(lines, ""));
}

/** A record's start on one line, without what could move a terminal's cursor. */
function shown(record: string): string {
  return record.slice(0, SHOWN_CHARS_MAX).replace(/[^\x20-\x7e\u00a0-\uffff]/g, "·");
}
