import type { Command } from "commander";
import { maintenanceWarnings } from "../../../lakehouse/index.ts";
import { type CliIo, onInterrupt } from "../cli-io.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface CompactOptions extends Record<string, unknown> {
  readonly full?: boolean;
  readonly json?: boolean;
}

export function registerCompact(program: Command, io: CliIo): void {
  withSettings(program.command("compact"))
    .description("merge small files of the lake, expire old snapshots, remove orphans; safe while it runs")
    .option("--full", "merge all small files of each day, whatever their sizes")
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace compact --full")
    .action((options: CompactOptions) => compact(options, io));
}

async function compact(options: CompactOptions, io: CliIo): Promise<void> {
  const interruption = onInterrupt();
  const reports = await withPlatform(
    configOf(options, io),
    io,
    { runsWorkers: false, interruption },
    (platform) =>
      platform.adapters.maintainLake({ full: options.full === true, signal: interruption.signal }),
  ).finally(() => interruption.dispose());
  for (const warning of reports.flatMap(maintenanceWarnings)) io.err(`${warning}\n`);
  if (options.json === true) {
    io.out(`${JSON.stringify({ tables: reports })}\n`);
    return;
  }
  const rows = reports.map(({ table, compaction }) => [
    table,
    compaction.filesBefore,
    compaction.filesAfter,
    compaction.bytesBefore,
    compaction.bytesAfter,
  ]);
  io.out(textTable([["table", "files before", "after", "bytes before", "after"], ...rows], ""));
}
