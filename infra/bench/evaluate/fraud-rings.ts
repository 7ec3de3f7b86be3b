import { atLeast } from "./judged-figure.ts";
import { judge, type NamedEvaluation } from "./plugin-evaluation.ts";
import { runCommand } from "./run-command.ts";

/** The default of a fresh installation. */
const PARTITIONS = "4";

/** `node infra/bench/fraud-rings.ts`: its last line is of all shops. */
export const fraudRings: NamedEvaluation = {
  name: "fraud-rings",
  doc: "planted rings of generated shops whose seeds the model never saw, order by order",
  async measure() {
    const lines = (await runCommand(new URL("../fraud-rings.ts", import.meta.url), [PARTITIONS]))
      .trim()
      .split("\n");
    const { all } = JSON.parse(lines[lines.length - 1]) as { all: Readonly<Record<string, unknown>> };
    const byRule = (path: string) => ({ name: "4 orders within the hour", path: `rule.${path}` });
    return judge(
      [
        { name: "precision", path: "precision", baseline: byRule("precision"), target: atLeast(0.94) },
        { name: "recall", path: "recall", baseline: byRule("recall"), target: atLeast(0.89) },
      ],
      all,
    );
  },
};
