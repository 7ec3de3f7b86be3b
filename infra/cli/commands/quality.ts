import { type Command, InvalidArgumentError } from "commander";
import { MillraceError, tableName, unknownName } from "../../../schema/index.ts";
import { HISTORY_QUERIES, retryEnvironment } from "../../platform/adapters.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import { fileNonce } from "../../platform/publish-sinks.ts";
import type { RecordedResult } from "../../quality/quality-rows.ts";
import { qualityOptions } from "../../quality/quality-settings.ts";
import { type QualityReport, runQuality } from "../../quality/run-quality.ts";
import { type CliIo, interrupted, onInterrupt, Progress, ReportedFailure } from "../cli-io.ts";
import { isoTime } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface QualityCommandOptions extends Record<string, unknown> {
  readonly table?: readonly string[];
  readonly since?: number | "begin";
  readonly json?: boolean;
}

export function registerQuality(program: Command, io: CliIo): void {
  withSettings(program.command("quality"), ["qualityDays"])
    .description(
      "check the lake's tables now, into gold.data_quality: keys, values, references, sums, volume",
    )
    .option("--table <name>", "check this table, such as silver.events; may be given again", collected)
    .option("--since <time>", "rows from this time on, such as 2026-01-31, or begin for all", sinceTime)
    .option("--json", "the results as one JSON document on standard output")
    .addHelpText(
      "after",
      `
Of each table the newest days are looked at. Exit code 1 where a check of severity error fails or cannot be run.

Examples:
  $ millrace quality
  $ millrace quality --table silver.events --since begin --json`,
    )
    .action((options: QualityCommandOptions) => quality(options, io));
}

function collected(name: string, names: readonly string[] = []): readonly string[] {
  return [...names, name];
}

function sinceTime(text: string): number | "begin" {
  if (text === "begin") return text;
  try {
    return isoTime(text);
  } catch {
    throw new InvalidArgumentError("It must be begin or a time such as 2026-01-01T00:00:00Z.");
  }
}

async function quality(options: QualityCommandOptions, io: CliIo): Promise<void> {
  requireTables(options.table ?? []);
  const config = configOf(options, io);
  const interruption = onInterrupt();
  const progress = new Progress(io);
  const report = await withPlatform(
    config,
    io,
    { runsWorkers: false, runsQueries: true, queryLimits: HISTORY_QUERIES, interruption },
    ({ adapters, queryEngine }) =>
      runQuality(
        { ...adapters, ...retryEnvironment, queryEngine, clock: io.clock, nonce: fileNonce() },
        {
          ...qualityOptions(config),
          ...(options.since !== undefined && { since: options.since }),
          ...(options.table !== undefined && { only: options.table }),
          signal: interruption.signal,
          onTable: ({ table, done, of }) =>
            progress.show(() => `${table}: ${done} of ${of} tables are checked`),
        },
      ),
  )
    .catch((error) => {
      throw interruption.signal.aborted ? interrupted("nothing was recorded") : error;
    })
    .finally(() => {
      progress.end();
      interruption.dispose();
    });
  io.out(options.json === true ? `${JSON.stringify(asJson(report))}\n` : asText(report));
  const broken = report.results.filter(
    ({ severity, status }) => severity === "error" && (status === "failed" || status === "unknown"),
  );
  if (broken.length === 0) return;
  const names = broken.map(({ table, check }) => `${table} ${check}`).join(", ");
  throw new ReportedFailure(`${broken.length} checks of severity error did not pass: ${names}`);
}

function requireTables(asked: readonly string[]): void {
  const names = lakeTables.map(tableName);
  for (const name of asked) {
    if (names.includes(name)) continue;
    const { message } = unknownName("table", name, names);
    throw new MillraceError(message, { code: "wrong-usage", origin: "user" });
  }
}

function asJson({ checkedAt, results, seconds }: QualityReport): object {
  return {
    checkedAt: new Date(checkedAt).toISOString(),
    checks: results.map(({ sample, since, failingSince, ...result }) => ({
      ...result,
      since: isoOrNull(since),
      failingSince: isoOrNull(failingSince),
      sample: sample === null ? null : JSON.parse(sample),
    })),
    seconds,
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function asText({ results, seconds }: QualityReport): string {
  const heading = ["table", "check", "kind", "severity", "status", "measured", "threshold", "rows"];
  // Of tables without rows there is nothing to tell but how many checks that were.
  const looked = new Set(results.flatMap(({ table, status }) => (status === "skipped" ? [] : [table])));
  const rows = results
    .filter(({ table }) => looked.has(table))
    .map((result) => [
      ...[result.table, result.check, result.kind, result.severity, result.status],
      ...[result.measured ?? "", result.threshold ?? "", result.rows ?? ""],
    ]);
  const remarks = results
    .filter(({ status }) => status === "failed" || status === "unknown")
    .map((result) => `\n${remarkOf(result)}\n`);
  const count = (wanted: string): number => results.filter(({ status }) => status === wanted).length;
  return (
    `${textTable([heading, ...rows], "")}${remarks.join("")}\n` +
    `${results.length} checks: ${count("passed")} passed, ${count("failed")} failed, ${count("unknown")} unknown, ` +
    `${count("skipped")} skipped for want of rows or history (${seconds.toFixed(1)} s); in gold.data_quality\n`
  );
}

function remarkOf({ table, check, severity, status, note, sample }: RecordedResult): string {
  const lines = [`${table} ${check} (${severity}) ${status}${note === null ? "" : `: ${note}`}`];
  if (sample !== null) lines.push(`  ${sample}`);
  return lines.join("\n");
}
