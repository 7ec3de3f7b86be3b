import { auc, averagePrecision, createForestScorer, logLoss } from "../../../ml/index.ts";
import { fitFraudTrees } from "../../../ml/plugins/fraud/fraud-trees.ts";
import { foldRows, vectorsOf } from "../../../ml/plugins/fraud/payment-rows.ts";
import { splitPayments } from "../../../ml/plugins/fraud/payment-split.ts";
import { readPayments } from "../../../ml/plugins/fraud/payments.ts";
import { type Comparison, timed } from "./comparison.ts";

/** As `millrace evaluate fraud` learns from. */
const NEGATIVE_SHARE = 0.25;

export const fraudComparison: Comparison = {
  name: "fraud",
  file: "fraud/handbook-2018-04-01-to-2018-08-14.csv.gz",
  script: "fraud.py",
  async measureOurs(file, folder, { seed, onProgress }) {
    const table = await readPayments([file]);
    const { train, holdOut, test } = foldRows(table, splitPayments(table), {
      negativeShare: NEGATIVE_SHARE,
      seed,
    });
    for (const [name, rows] of Object.entries({ train, holdOut, test })) {
      folder.write(name, rows.columns);
      folder.write(`${name}Labels`, rows.labels);
      folder.write(`${name}Weights`, rows.weights);
    }
    const trained = await timed(() => fitFraudTrees(train, holdOut, { seed, onProgress }));
    const scorer = createForestScorer(trained.value, "compared");
    const vectors = vectorsOf(test);
    const scores = new Float64Array(test.rows);
    const scored = await timed(() => scorer.score(vectors, test.rows, scores));
    const result = { scores, labels: Float64Array.from(test.labels) };
    const figures = {
      AUC: auc(result),
      "average precision": averagePrecision(result),
      "log loss": logLoss(result),
    };
    return [{ name: "ours", figures, trainingSeconds: trained.seconds, scoringSeconds: scored.seconds }];
  },
};
