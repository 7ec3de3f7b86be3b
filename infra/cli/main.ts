import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { MillraceError } from "../../schema/index.ts";
import { type CliIo, PartialFailure, processIo, ReportedFailure } from "./cli-io.ts";
import { registerBackup } from "./commands/backup.ts";
import { registerCompact } from "./commands/compact.ts";
import { registerConfig } from "./commands/config.ts";
import { registerConsume } from "./commands/consume.ts";
import { registerDeadLetters } from "./commands/dead-letters.ts";
import { registerEvaluate } from "./commands/evaluate.ts";
import { registerForecast } from "./commands/forecast.ts";
import { registerGenerate } from "./commands/generate.ts";
import { registerModels } from "./commands/models.ts";
import { registerProduce } from "./commands/produce.ts";
import { registerQuality } from "./commands/quality.ts";
import { registerQuery } from "./commands/query.ts";
import { registerReplay } from "./commands/replay.ts";
import { registerReports } from "./commands/reports.ts";
import { registerRescale } from "./commands/rescale.ts";
import { registerRules } from "./commands/rules.ts";
import { registerSchemas } from "./commands/schemas.ts";
import { registerServers } from "./commands/servers.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTopics } from "./commands/topics.ts";
import { registerTrain } from "./commands/train.ts";
import { registerUp } from "./commands/up.ts";
import { registerViews } from "./commands/views.ts";
import { registerWhatIf } from "./commands/whatif.ts";
import { registerWorker } from "./commands/worker.ts";

export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Errors that say: call it differently. */
const USAGE_CODES = new Set([
  "config-invalid",
  "unknown-format",
  "unknown-plugin",
  "bad-times",
  "home-missing",
  "bad-partition",
  "no-contract-topic",
  "bad-generator-options",
  "wrong-usage",
]);

export function createProgram(io: CliIo): Command {
  const program = new Command("millrace")
    .description(
      "Real-time analytics for e-commerce: events in, an open lake and live scores behind GraphQL out.",
    )
    .version(packageVersion(), "-V, --version", "print the version")
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      "after",
      `
Examples:
  $ millrace up                                   start everything, with a generated shop
  $ millrace replay rees46 events.csv.gz --wait   load a real file and process it to the end
  $ millrace COMMAND --help                       options of a command

Settings are flags, environment variables (MILLRACE_…) or millrace.config.json: see millrace config print.
Exit codes: 0 done, 1 failed, 2 wrong usage.`,
    )
    .showHelpAfterError("(millrace --help shows the commands, millrace COMMAND --help the options)");
  const registrars = [
    registerUp,
    registerWorker,
    registerReplay,
    registerWhatIf,
    registerRescale,
    registerGenerate,
    registerProduce,
    registerConsume,
    registerTrain,
    registerEvaluate,
    registerForecast,
    registerModels,
    registerRules,
    registerStatus,
    registerDeadLetters,
    registerQuery,
    registerQuality,
    registerReports,
    registerCompact,
    registerBackup,
    registerTopics,
    registerViews,
    registerSchemas,
    registerConfig,
    registerServers,
  ];
  for (const register of registrars) register(program, io);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)]) {
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
    command.showHelpAfterError("(--help shows what is possible)");
  }
  return program;
}

/** Runs one command line; resolves with the exit code and throws nothing. */
export async function main(args: readonly string[], io: CliIo = processIo()): Promise<number> {
  const program = createProgram(io);
  try {
    await program.parseAsync(args, { from: "user" });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, args.includes("--json"), io);
    if (error instanceof ReportedFailure) {
      io.err(`millrace: ${error.message}\n`);
      return EXIT.failed;
    }
    return report(error, args.includes("--json"), io);
  }
}

/** Commander has said on standard error what is wrong; with --json standard output has its document all the same. */
function usage({ exitCode, message }: CommanderError, json: boolean, io: CliIo): number {
  if (exitCode === 0) return EXIT.done;
  if (json) io.out(`${JSON.stringify({ error: { code: "wrong-usage", message } })}\n`);
  return EXIT.usage;
}

function report(error: unknown, json: boolean, io: CliIo): number {
  const known = error instanceof MillraceError;
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : "unexpected";
  const progress = error instanceof PartialFailure ? error.progress : {};
  if (json) io.out(`${JSON.stringify({ error: { code, message, ...progress } })}\n`);
  io.err(`millrace: ${message}\n`);
  // A bug: the place is what helps to report it.
  if (!known && error instanceof Error && error.stack !== undefined) io.err(`${error.stack}\n`);
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}

function packageVersion(): string {
  // From dist/infra/cli as from infra/cli, package.json is the nearest one above.
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      return String(JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")).version);
    } catch {}
  }
  return "unknown";
}
