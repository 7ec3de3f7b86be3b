import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { type Config, type SettingKey, settings } from "../../config/index.ts";
import { HISTORY_QUERIES } from "../../platform/adapters.ts";
import { withWarmUp } from "../../replay/replay-range.ts";
import { type Money, runWhatIf, type WhatIfReport } from "../../replay/what-if.ts";
import { type CliIo, interrupted, onInterrupt, Progress } from "../cli-io.ts";
import { isoTime, wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { servedPlugin } from "../plugin-argument.ts";
import { percent, requireForward, wrongUsage } from "../replay-history.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";

interface WhatIfOptions extends Record<string, unknown> {
  readonly set: readonly string[];
  readonly model: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly warmUpMs: number;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;
/** Groups whose settings say what the stream finds. */
const CHANGEABLE: readonly string[] = ["Event time", "Analytics", "Detectors", "Machine learning"];

export function registerWhatIf(program: Command, io: CliIo): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  withSettings(program.command("whatif"))
    .description(
      "run a changed rule, threshold or model over history: alerts gained and lost, and the money behind them",
    )
    .addOption(
      new Option("--set <setting=value>", "a setting as it would be; may be repeated")
        .argParser(collect)
        .default([]),
    )
    .addOption(
      new Option("--model <plugin=version>", "a model version that would score; may be repeated")
        .argParser(collect)
        .default([]),
    )
    .option("--from <time>", "event time from which on (default: all)", isoTime)
    .option("--to <time>", "event time up to which", isoTime)
    .option("--warm-up-ms <ms>", "history before --from that only fills the state", wholeNumber(0), DAY_MS)
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      `
Both sides are replays of the same bronze records, so what differs is the change alone; nothing live is touched.

Examples:
  $ millrace whatif --set flashSaleViewsAbove=50
  $ millrace whatif --model propensity=20260105T060000Z-1a2b3c4d5e6f --from 2026-01-01T00:00:00Z
`,
    )
    .action((options: WhatIfOptions) => whatIf(options, io));
}

async function whatIf(options: WhatIfOptions, io: CliIo): Promise<void> {
  const changes = options.set.map(settingOf);
  const models = Object.fromEntries(options.model.map(modelOf));
  if (changes.length === 0 && options.model.length === 0)
    throw wrongUsage("nothing is changed: pass --set SETTING=VALUE or --model PLUGIN=VERSION");
  requireForward(options);
  const config = configOf(options, io);
  const changed = configOf({ ...options, ...Object.fromEntries(changes) }, io);
  const report = await withPlatform(
    config,
    io,
    { runsWorkers: false, runsQueries: true, queryLimits: HISTORY_QUERIES },
    async (platform) => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-whatif-"));
      const interruption = onInterrupt();
      const progress = new Progress(io);
      try {
        return await runWhatIf({
          engine: platform.queryEngine,
          adapters: platform.adapters,
          range: withWarmUp(options),
          baseline: { config, models: {} },
          changed: { config: changed, models },
          folder,
          clock: io.clock,
          stopwatch: () => performance.now(),
          onProgress: (what, done, of) =>
            progress.show(() => `${what}: ${percent(done, of)} of ${of} records`),
          signal: interruption.signal,
        });
      } finally {
        progress.end();
        interruption.dispose();
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
  io.out(options.json === true ? `${JSON.stringify(report)}\n` : describe(report));
  if (!report.complete) throw interrupted("the figures are of a part");
}

function settingOf(text: string): [SettingKey, string] {
  const [key, ...value] = text.split("=");
  const setting = Object.hasOwn(settings, key) ? settings[key as SettingKey] : undefined;
  if (setting !== undefined && CHANGEABLE.includes(setting.group) && value.length > 0)
    return [key as keyof Config, value.join("=")];
  throw wrongUsage(
    `--set ${text}: give SETTING=VALUE of a setting that says what the stream finds (millrace config print, groups ${CHANGEABLE.join(", ")})`,
  );
}

function modelOf(text: string): [string, string] {
  const [plugin, version] = text.split("=");
  if (version === undefined)
    throw wrongUsage(`--model ${text}: give PLUGIN=VERSION (millrace models list PLUGIN)`);
  return [servedPlugin(plugin).name, version];
}

function describe({ records, complete, kinds, examples }: WhatIfReport): string {
  const head = complete ? "" : "interrupted: the figures are of a part\n";
  const rows = kinds.map((kind) => [
    kind.kind,
    String(kind.baseline),
    String(kind.changed),
    `+${kind.gained}`,
    `-${kind.lost}`,
    money(kind.gainedMoney),
    money(kind.lostMoney),
  ]);
  const table = textTable([
    ["alerts", "as is", "changed", "gained", "lost", "orders gained", "orders lost"],
    ...rows,
  ]);
  const few = [
    ...examples.gained.map(({ title }) => `  + ${title}\n`),
    ...examples.lost.map(({ title }) => `  - ${title}\n`),
  ];
  return `${head}${records.toLocaleString("en")} records of history, as is and changed\n${table}${few.join("")}`;
}

function money(amounts: Money): string {
  const texts = Object.entries(amounts).map(([currency, minor]) => `${(minor / 100).toFixed(2)} ${currency}`);
  return texts.length === 0 ? "none" : texts.join(" + ");
}
