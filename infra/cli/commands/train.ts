import { execFileSync } from "node:child_process";
import type { Command } from "commander";
import {
  createModelRegistry,
  type Evidence,
  isOrderScorer,
  isRecommender,
  readBronze,
  trainingResult,
  trainOrders,
  trainPlugin,
} from "../../../ml/index.ts";
import { contracts, MillraceError } from "../../../schema/index.ts";
import { HISTORY_QUERIES } from "../../platform/adapters.ts";
import type { CliIo } from "../cli-io.ts";
import { wholeNumber } from "../option-values.ts";
import { withPlatform } from "../platform-session.ts";
import { authorOf, servedPlugin, TRAINED_PLUGINS, trainedPlugin } from "../plugin-argument.ts";
import { configOf, withSettings } from "../settings-options.ts";
import { textTable } from "../text-table.ts";
import { writeReport } from "../write-report.ts";

interface TrainOptions extends Record<string, unknown> {
  readonly seed: number;
  readonly promote: string;
  readonly report?: string;
  readonly json?: boolean;
}

export function registerTrain(program: Command, io: CliIo): void {
  withSettings(program.command("train"))
    .description("train a plugin on the lake's bronze events; a better model becomes champion")
    .argument("<plugin>", TRAINED_PLUGINS.join(", "))
    .option("--seed <n>", "seed of sampling and fit", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--promote <when>", "if-better, always or never", "if-better")
    .option(
      "--report <dir>",
      "also write report.html, report.md, the plots and the model card into this folder",
    )
    .option("--json", "the model card as one JSON document on standard output")
    .addHelpText("after", "\nExample:\n  $ millrace train propensity")
    .action((name: string, options: TrainOptions) => train(name, options, io));
}

async function train(name: string, options: TrainOptions, io: CliIo): Promise<void> {
  const plugin = trainedPlugin(name);
  const promote = promotionOf(options.promote);
  const evidence: Evidence[] = [];
  const model = await withPlatform(
    configOf(options, io),
    io,
    { runsWorkers: false, queryLimits: HISTORY_QUERIES },
    (platform) => {
      const engine = platform.queryEngine;
      const training = {
        registry: createModelRegistry(platform.adapters.objects),
        seed: options.seed,
        trainedAt: io.clock(),
        by: `millrace train, ${authorOf(io)}`,
        stopwatch: () => performance.now(),
        codeRevision: codeRevision(io),
        promote,
        onProgress: (message: string) => io.err(`${message}\n`),
        ...(options.report !== undefined && { onEvidence: (piece: Evidence) => evidence.push(piece) }),
      };
      if (isOrderScorer(plugin)) return trainOrders(plugin, { ...training, engine });
      const contract = contracts.find((candidate) => candidate.name === plugin.contract);
      if (contract === undefined) {
        throw new Error(`plugin ${name} names an unknown contract ${plugin.contract}`);
      }
      const fromBronze = { ...training, events: readBronze({ engine, contract, fields: plugin.fields }) };
      return isRecommender(plugin) ? plugin.trainOnLake(fromBronze) : trainPlugin(plugin, fromBronze);
    },
  );
  if (options.report !== undefined) {
    const command = `millrace train ${name} --seed ${options.seed} --promote ${options.promote}`;
    const card = { name: "model-card.json", text: `${JSON.stringify(model.card, null, 2)}\n` };
    await writeReport(
      options.report,
      io,
      {
        title: `${name} ${model.version}`,
        command,
        doc: plugin.doc,
        result: trainingResult(model, servedPlugin(name).primaryMetric),
        evidence,
      },
      [card],
    );
  }
  if (options.json === true) {
    io.out(`${JSON.stringify(model)}\n`);
    return;
  }
  const { metrics, rows, positives } = model.card.evaluation;
  io.out(`${name} ${model.version}: ${model.promoted ? "champion" : "not promoted"}\n`);
  io.out(`  evaluated on ${rows} later rows, ${positives} positive\n`);
  const { baselines = {} } = model.card;
  const lines = Object.entries(metrics).map(([metric, { model: own, baseline }]) => [
    metric,
    own.toFixed(4),
    baseline.toFixed(4),
    ...Object.values(baselines).map((figures) => figures[metric]?.toFixed(4) ?? ""),
  ]);
  io.out(textTable([["figure", "model", "naive", ...Object.keys(baselines)], ...lines]));
}

function promotionOf(text: string): "if-better" | "always" | "never" {
  if (text === "if-better" || text === "always" || text === "never") return text;
  throw new MillraceError(`--promote is if-better, always or never, not ${text}.`, {
    code: "config-invalid",
    origin: "user",
  });
}

/** Revision of the checkout, for the model card; an installed package has none. */
function codeRevision(io: CliIo): string {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd: io.folder, stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim();
  } catch {
    return "unknown";
  }
}
