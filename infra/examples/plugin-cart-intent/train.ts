import type { QueryEngine } from "../../../lakehouse/index.ts";
import {
  createModelRegistry,
  type Evidence,
  readBronze,
  type TrainedModel,
  trainingResult,
  trainPlugin,
} from "../../../ml/index.ts";
import { customerEventContract, MillraceError } from "../../../schema/index.ts";
import { writeReport } from "../../cli/write-report.ts";
import { loadConfig } from "../../config/index.ts";
import { Platform } from "../../platform/platform.ts";
import { cartIntent } from "./index.ts";

const USAGE = "node infra/examples/plugin-cart-intent/train.ts HOME REPORT_FOLDER";

export interface TrainingSources {
  readonly engine: QueryEngine;
  readonly registry: ReturnType<typeof createModelRegistry>;
  /** Folder of the report, which is made. */
  readonly reportFolder: string;
  readonly trainedAt: number;
  readonly onProgress: (message: string) => void;
}

/**
 * Trains the example's plugin on the bronze events of a lake, publishes the version behind the gate, and
 * writes the report with the model card. In the list of plugins, `millrace train cart-intent` does it.
 */
export async function trainCartIntent(sources: TrainingSources): Promise<TrainedModel> {
  const { engine, registry, reportFolder, trainedAt, onProgress } = sources;
  const evidence: Evidence[] = [];
  const { fields } = cartIntent;
  const model = await trainPlugin(cartIntent, {
    events: readBronze({ engine, contract: customerEventContract, fields }),
    registry,
    seed: 1,
    trainedAt,
    by: "the example's training script",
    stopwatch: () => performance.now(),
    codeRevision: "example",
    onProgress,
    onEvidence: (piece) => evidence.push(piece),
  });
  const report = {
    title: `cart-intent ${model.version}`,
    command: USAGE,
    doc: cartIntent.doc,
    result: trainingResult(model, cartIntent.primaryMetric),
    evidence,
  };
  const card = { name: "model-card.json", text: `${JSON.stringify(model.card, null, 2)}\n` };
  const surroundings = { folder: process.cwd(), clock: () => trainedAt, err: onProgress };
  await writeReport(reportFolder, surroundings, report, [card]);
  return model;
}

async function main([home, reportFolder]: readonly string[]): Promise<void> {
  if (home === undefined || reportFolder === undefined) {
    throw new MillraceError(`usage: ${USAGE}`, { code: "usage", origin: "user" });
  }
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const { config } = loadConfig({ flags: { home }, environment: {}, folder: process.cwd() });
  const platform = await Platform.open(config, quiet, { runsWorkers: false, makesHome: false });
  try {
    const model = await trainCartIntent({
      engine: platform.queryEngine,
      registry: createModelRegistry(platform.adapters.objects),
      reportFolder,
      trainedAt: Date.now(),
      onProgress: (message) => process.stderr.write(`${message}\n`),
    });
    process.stdout.write(`${model.version}: ${model.promoted ? "champion" : "challenger"}\n`);
  } finally {
    await platform.close();
  }
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error) => {
    // What the caller can mend is said in a line; of a bug the place is wanted, too.
    if (!(error instanceof MillraceError)) throw error;
    process.stderr.write(`train: ${error.message}\n`);
    process.exitCode = 1;
  });
}
