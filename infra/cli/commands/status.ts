import type { Command } from "commander";
import { tableName } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import type { Platform } from "../../platform/platform.ts";
import type { CliIo } from "../cli-io.ts";
import { withPlatform } from "../platform-session.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

export function registerStatus(program: Command, io: CliIo): void {
  withSettings(program.command("status"))
    .description("show who runs the platform, the lag of each topic, and the tables")
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace status --json")
    .action((options: Record<string, unknown>) => status(options, io));
}

async function status(options: Record<string, unknown>, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  const report = await withPlatform(config, io, { runsWorkers: false }, async (platform) => ({
    home: config.home,
    runBy: platform.runBy,
    tasks: await tasks(platform),
    topics: await topics(platform),
    tables: await tables(platform),
  }));
  if (options.json === true) {
    io.out(`${JSON.stringify(report)}\n`);
    return;
  }
  io.out(`${runningText(config, report)}\n\n`);
  const topicRows = report.topics.map((t) => [t.topic, t.partition, t.begin, t.end, t.lag ?? "-"]);
  io.out(textTable([["topic", "partition", "oldest", "next", "lag"], ...topicRows], ""));
  const tableRows = report.tables.map((t) => [t.table, t.rows, t.committedAt ?? "-"]);
  io.out(`\n${textTable([["table", "rows", "newest snapshot"], ...tableRows], "")}`);
}

function runningText(
  { mode, kafkaGroup, home }: Config,
  report: {
    readonly runBy: number | null;
    readonly tasks: readonly { readonly state: string; readonly lostRecords: number }[];
  },
): string {
  if (mode === "embedded")
    return `${home}: ${report.runBy === null ? "not running" : `run by process ${report.runBy}`}`;
  const running = report.tasks.filter(({ state }) => state === "running").length;
  const lost = report.tasks.reduce((sum, { lostRecords }) => sum + lostRecords, 0);
  const note = lost === 0 ? "" : `; ${lost} records were gone before they were processed, and skipped`;
  return `group ${kafkaGroup}: ${running} of ${report.tasks.length} tasks have a worker${note}`;
}

/** By their newest checkpoints; in embedded mode the process that runs them knows them alone. */
async function tasks(platform: Platform) {
  await platform.refreshTasks();
  return platform.tasks().map(({ taskId, state, epoch, checkpointedAt, watermarkMs, lostRecords = 0 }) => ({
    taskId,
    state,
    epoch,
    checkpointedAt,
    watermarkMs,
    lostRecords,
  }));
}

/** Lag counts records that no checkpoint has covered yet; null for topics that no task reads. */
async function topics(platform: Platform) {
  const found = [];
  for (const { name: topic, partitions } of await platform.log.topics()) {
    for (let partition = 0; partition < partitions; partition++) {
      const { begin, end } = await platform.log.offsets(topic, partition);
      const committed = await platform.log.committedOffset(platform.config.kafkaGroup, topic, partition);
      found.push({ topic, partition, begin, end, lag: committed === null ? null : end - committed });
    }
  }
  return found;
}

async function tables(platform: Platform) {
  const found = [];
  for (const spec of lakeTables) {
    const snapshot = await platform.queryEngine.snapshot(spec);
    const committedAt = snapshot === null ? null : new Date(snapshot.committedAt).toISOString();
    found.push({ table: tableName(spec), rows: snapshot?.rows ?? 0, committedAt });
  }
  return found;
}
