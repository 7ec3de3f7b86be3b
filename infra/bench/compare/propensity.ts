import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { auc, averagePrecision, type InputFile, logLoss } from "../../../ml/index.ts";
import { fitShopperModel } from "../../../ml/plugins/propensity/shopper-model.ts";
import {
  foldsOf,
  readShoppers,
  WITH_PAGE_VALUES,
  WITHOUT_PAGE_VALUES,
} from "../../../ml/plugins/propensity/uci-shoppers.ts";
import { type ComparedModel, type Comparison, timed } from "./comparison.ts";

export const propensityComparison: Comparison = {
  name: "propensity",
  file: "propensity/uci-online-shoppers-dev.csv.gz",
  script: "propensity.py",
  async measureOurs(file: InputFile, folder, { seed, onProgress }) {
    const table = await readShoppers(file);
    const parts = foldsOf(table, seed);
    const folds = new Int32Array(table.rows.length);
    parts.forEach(({ testRows }, fold) => {
      for (const row of testRows) folds[row] = fold;
    });
    folder.write("folds", folds);
    writeFileSync(join(folder.path, "sessions.csv"), await file.text());
    const models: ComparedModel[] = [];
    for (const [name, spec] of [
      ["ours", WITH_PAGE_VALUES],
      ["ours, without PageValues", WITHOUT_PAGE_VALUES],
    ] as const) {
      const totals = { AUC: 0, "average precision": 0, "log loss": 0 };
      let trainingSeconds = 0;
      let scoringSeconds = 0;
      for (const { trainRows, testRows, testLabels } of parts) {
        const model = await timed(() => fitShopperModel(spec, table, trainRows, seed));
        const scored = await timed(() => model.value.score(table, testRows));
        trainingSeconds += model.seconds;
        scoringSeconds += scored.seconds;
        const result = { scores: scored.value, labels: testLabels };
        totals.AUC += auc(result) / parts.length;
        totals["average precision"] += averagePrecision(result) / parts.length;
        totals["log loss"] += logLoss(result) / parts.length;
      }
      onProgress(`${name}: done`);
      models.push({ name, figures: totals, trainingSeconds, scoringSeconds });
    }
    return models;
  },
};
