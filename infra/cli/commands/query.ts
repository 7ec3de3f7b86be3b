import { type Command, Option } from "commander";
import { MillraceError } from "../../../schema/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import type { CliIo } from "../cli-io.ts";
import { lakeStatement } from "../lake-statements.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { type ResultFormat, resultFormats, resultText } from "../query-result.ts";
import { writeResultFile } from "../result-file.ts";
import { writeParquet } from "../result-parquet.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { tablesInBraces } from "../sql-tables.ts";

interface QueryCommandOptions extends Record<string, unknown> {
  readonly format: ResultFormat | "parquet";
  readonly out?: string;
  readonly limit: number;
  readonly asOf?: string;
}

export function registerQuery(program: Command, io: CliIo): void {
  withSettings(program.command("query"))
    .description("run one query over the lake's tables, and print or save its result")
    .argument("<sql>", "one query of standard SQL; tables are named as in gold.revenue_by_category")
    .addOption(
      new Option("--format <format>", "how the result is written")
        .choices([...resultFormats, "parquet"])
        .default("table"),
    )
    .option("--out <file>", "write to this file, which must not exist, instead of standard output")
    .option("--limit <n>", "rows that are written at most", wholeNumber(1, 1_000_000), 1000)
    .option("--as-of <time>", "read the tables as of a snapshot id or a time, such as 2026-01-31T12:00:00Z")
    .addHelpText(
      "after",
      `
The lake is only read, embedded by DuckDB, in distributed mode by Trino: SELECT, WITH … SELECT and VALUES. SHOW TABLES lists
the tables and what they hold, DESCRIBE gold.funnel the columns of one.

Examples:
  $ millrace query "SHOW TABLES FROM gold"
  $ millrace query "SELECT event_type, count(*) FROM silver.events GROUP BY 1"
  $ millrace query "SELECT * FROM gold.revenue_by_category" --format parquet --out revenue.parquet`,
    )
    .action((sql: string, options: QueryCommandOptions) => query(sql, options, io));
}

async function query(sql: string, options: QueryCommandOptions, io: CliIo): Promise<void> {
  const { format, out, limit, asOf } = options;
  if (format === "parquet" && out === undefined) {
    throw new MillraceError("a Parquet file needs a name: add --out FILE", {
      code: "wrong-usage",
      origin: "user",
    });
  }
  const result = await withPlatform(
    configOf(options, io),
    io,
    { runsWorkers: false },
    async (platform) =>
      lakeStatement(sql, lakeTables) ??
      platform.queryEngine.query(tablesInBraces(sql), [], {
        rowsMax: limit + 1,
        ...(asOf === undefined ? {} : { asOf }),
      }),
  ).catch((error) => {
    throw withHint(error);
  });
  const isCut = result.rows.length > limit;
  const shown = isCut ? { ...result, rows: result.rows.slice(0, limit) } : result;
  if (isCut) io.err(`Only the first ${limit.toLocaleString("en")} rows: give --limit for more.\n`);
  if (out === undefined) io.out(resultText(shown, format as ResultFormat));
  else {
    await writeResultFile(io.folder, out, (path) =>
      format === "parquet" ? writeParquet(shown, path) : resultText(shown, format),
    );
    io.err(`${shown.rows.length.toLocaleString("en")} rows written to ${out}\n`);
  }
}

const HINTED = new Set(["query-invalid", "table-not-found"]);

/** An error of the query's text, with where to find what can be asked for. */
function withHint(error: unknown): unknown {
  if (!(error instanceof MillraceError) || !HINTED.has(error.code)) return error;
  const hint = "(SHOW TABLES lists the lake's tables, DESCRIBE gold.funnel the columns of one)";
  const { code, origin } = error;
  return new MillraceError(`${error.message.trimEnd()}\n${hint}`, { code, origin, cause: error });
}
