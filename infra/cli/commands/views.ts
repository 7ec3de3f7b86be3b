import type { Command } from "commander";
import { ensureViews, type ViewDifference, viewDifferences } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import type { Adapters } from "../../platform/adapters.ts";
import { lakeViews } from "../../platform/lake-tables.ts";
import { type CliIo, ReportedFailure } from "../cli-io.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

const SHOWN = ["catalogUri", "trinoCatalog"] as const;

export function registerViews(program: Command, io: CliIo): void {
  const views = program
    .command("views")
    .description("make and check the views of the rows that hold, such as gold.funnel_current, for Trino");
  withSettings(views.command("apply"), SHOWN)
    .description("create what is missing and replace what differs; views of others stay")
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace views apply --mode distributed")
    .action((options: Record<string, unknown>) => apply(options, io));
  withSettings(views.command("check"), SHOWN)
    .description("compare the catalog's views with what they should be; exit code 1 where they differ")
    .option("--json", "one JSON document on standard output")
    .action((options: Record<string, unknown>) => check(options, io));
}

async function apply(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const { applied, left } = await withViews(options, io, (views) => ensureViews(lakeViews, views));
  if (options.json === true) io.out(`${JSON.stringify({ applied, left })}\n`);
  else if (applied.length + left.length === 0) io.out("Nothing to do.\n");
  else io.out(table([...applied.map((one) => row(one, "done")), ...left.map((one) => row(one))]));
  failOn(left);
}

async function check(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const differences = await withViews(options, io, (views) => viewDifferences(lakeViews, views));
  if (options.json === true) io.out(`${JSON.stringify({ differences })}\n`);
  else if (differences.length === 0) io.out("The views are as they should be.\n");
  else io.out(table(differences.map((one) => row(one))));
  failOn(differences);
}

function withViews<T>(
  options: Record<string, unknown>,
  io: CliIo,
  use: (views: Parameters<typeof ensureViews>[1]) => Promise<T>,
): Promise<T> {
  const config = configOf(options, io);
  return withPlatform(config, io, { runsWorkers: false }, ({ adapters }) =>
    use({ views: viewsOf(adapters), objectStore: adapters.objects, trinoCatalog: config.trinoCatalog }),
  );
}

function viewsOf({ views }: Adapters) {
  if (views !== null) return views;
  throw new MillraceError(
    "an embedded lake has no catalog that holds views: millrace query knows them by itself",
    { code: "wrong-usage", origin: "user" },
  );
}

const FOUND = { none: "nothing", other: "another version", foreign: "something that Millrace did not make" };

function row({ view, found }: ViewDifference, done?: "done"): string[] {
  const advice =
    found === "foreign"
      ? "give it another name, or drop it, then millrace views apply"
      : "run millrace views apply";
  return [view, FOUND[found], done ?? advice];
}

function table(rows: readonly string[][]): string {
  return textTable([["view", "found", "what to do"], ...rows], "");
}

function failOn(differences: readonly ViewDifference[]): void {
  if (differences.length === 0) return;
  const views = differences.map(({ view }) => view).join(", ");
  throw new ReportedFailure(`not as they should be: ${views}`);
}
