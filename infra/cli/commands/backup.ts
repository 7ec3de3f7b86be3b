import { relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { type Backup, backUpHome } from "../../backup/back-up-home.ts";
import { verifyHome } from "../../backup/verify-home.ts";
import type { Config } from "../../config/index.ts";
import { readyHome } from "../../platform/home-folder.ts";
import { type CliIo, interrupted, onInterrupt, Progress } from "../cli-io.ts";
import { wrongUsage } from "../replay-history.ts";
import { configOf, withSettings } from "../settings-options.ts";

interface BackupOptions extends Record<string, unknown> {
  readonly to?: string;
  readonly verify?: string;
  readonly json?: boolean;
}

export function registerBackup(program: Command, io: CliIo): void {
  withSettings(program.command("backup"))
    .description("copy a home while it runs, or look whether a copy is whole")
    .option("--to <folder>", "where the copy goes; not there yet, or empty")
    .option("--verify <folder>", "look whether this copy is whole, and make none")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
The copy is a home: checkpoints of one moment, of each table the version that belongs to them, and the log, which is as
new or newer. It goes on as after a kill: nothing is lost or doubled of what the log held when the copy was made. Hot
values are left out; the tasks write them again. To restore, stop the platform, put the copy (or a copy of it) in the
place of the home, and start.

The folder appears when all of it is there and verified. The distributed mode is backed up with what its servers
have: see infra/operations/backup.md.

Examples:
  $ millrace backup --to /backups/millrace-monday
  $ millrace backup --verify /backups/millrace-monday
`,
    )
    .action((options: BackupOptions) => backup(options, io));
}

async function backup(options: BackupOptions, io: CliIo): Promise<void> {
  const config = configOf(options, io);
  if (config.mode !== "embedded")
    throw wrongUsage(
      "millrace backup copies the home of the embedded mode: for servers see infra/operations/backup.md",
    );
  if ((options.to === undefined) === (options.verify === undefined))
    throw wrongUsage("millrace backup needs either --to FOLDER or --verify FOLDER");
  if (options.verify !== undefined) return verify(resolve(io.folder, options.verify), options, io);
  const into = targetOf(config, String(options.to), io);
  readyHome(config.home, { makes: false });
  const began = io.clock();
  const interruption = onInterrupt();
  const progress = new Progress(io);
  try {
    const made = await backUpHome({
      home: config.home,
      into,
      clock: io.clock,
      signal: interruption.signal,
      onProgress: (files, of) => progress.show(() => `copying: ${files} of ${of} files`),
    });
    progress.end();
    const seconds = (io.clock() - began) / 1000;
    io.out(
      options.json === true
        ? `${JSON.stringify({ ...made, into, seconds })}\n`
        : described(made, into, seconds),
    );
  } catch (error) {
    if (interruption.signal.aborted) throw interrupted(`there is no backup in ${into}`);
    throw error;
  } finally {
    progress.end();
    interruption.dispose();
  }
}

async function verify(folder: string, { json }: BackupOptions, io: CliIo): Promise<void> {
  readyHome(folder, { makes: false });
  const found = await verifyHome(folder, io);
  io.out(
    json === true
      ? `${JSON.stringify({ folder, ...found })}\n`
      : `${folder} is whole: ${found.tasks} tasks, ${found.tables} tables, ${found.files} files\n`,
  );
}

function targetOf({ home }: Config, to: string, io: CliIo): string {
  const into = resolve(io.folder, to);
  if (relative(home, into).split(sep, 1)[0] !== "..")
    throw wrongUsage(`--to lies in the home ${home}: name a folder outside of it`);
  return into;
}

function described({ takenAt, files, bytes, tasks }: Backup, into: string, seconds: number): string {
  const size = `${files.toLocaleString("en")} files, ${(bytes / 1e6).toFixed(1)} MB, and the log`;
  return (
    `backed up into ${into} as of ${takenAt}: ${size}, ${seconds.toFixed(1)} s\n` +
    `  tasks at epochs ${Object.entries(tasks)
      .map(([task, epoch]) => `${task} ${epoch}`)
      .join(", ")}\n` +
    `  look at it with: millrace status --home ${into}\n`
  );
}
