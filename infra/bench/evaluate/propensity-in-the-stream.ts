import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrainedModel } from "../../../ml/index.ts";
import type { NamedEvaluation } from "./plugin-evaluation.ts";
import { runCommand } from "./run-command.ts";

const MILLRACE = new URL("../../cli/millrace.mjs", import.meta.url);
const FILE = "clickstream/rees46-2019-10-01-first3h.csv.gz";

/** Replays REES46 through the pipeline into a home of its own, trains there, and tells the figures of later vectors. */
export const propensityInTheStream: NamedEvaluation = {
  name: "propensity-in-the-stream",
  doc: "REES46 through the pipeline: visits after the cut, by events that the visit had when it was scored",
  async measure({ data, seed, onProgress }) {
    const home = await mkdtemp(join(tmpdir(), "millrace-evaluate-"));
    try {
      onProgress("replaying");
      await runCommand(MILLRACE, ["replay", "rees46", join(data, FILE), "--wait", "--home", home]);
      onProgress("training");
      const train = ["train", "propensity", "--promote", "never", "--seed", String(seed), "--json"];
      const { card } = JSON.parse(await runCommand(MILLRACE, [...train, "--home", home])) as TrainedModel;
      return Object.entries(card.evaluation.metrics).map(([name, { model, baseline }]) => ({
        name,
        ours: model,
        baseline: { name: "base rate", value: baseline },
        target: null,
      }));
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
};
