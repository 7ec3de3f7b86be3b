import { writeFileSync } from "node:fs";
import { buildDataset, type Dataset, splitByTime } from "../../../ml/index.ts";
import { generatedEvents } from "../../tools/generated-events.ts";
import { onnxPropensity } from "./plugin.ts";

/**
 * Writes `train.csv` and `later.csv`, labelled vectors of the plugin's features, for `train.py`:
 *
 *     npm exec -- node infra/examples/onnx-model/export-dataset.ts FOLDER
 *
 * A generated shop stands for one's own: `readBronze` gives `buildDataset` the events of a lake.
 */
const HOURS = 25;
const SHOP = { seed: 3, eventsPerSecond: 20 };
const ROWS_MAX = 60_000;

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("export-dataset: name the folder that the files go to\n");
  process.exit(2);
}
const { dataset } = await buildDataset(onnxPropensity, generatedEvents(HOURS, SHOP), {
  seed: 1,
  rowsMax: ROWS_MAX,
});
const { train, validation } = splitByTime(dataset, {
  trainShare: 0.8,
  embargoMs: onnxPropensity.labels.gapMs,
});
writeFileSync(`${folder}/train.csv`, csv(train));
writeFileSync(`${folder}/later.csv`, csv(validation));

function csv({ featureNames, vectors, labels, rows }: Dataset): string {
  const width = featureNames.length;
  const lines = Array.from({ length: rows }, (_, row) =>
    [...vectors.subarray(row * width, (row + 1) * width), labels[row]].join(","),
  );
  return `${[[...featureNames, "label"].join(","), ...lines].join("\n")}\n`;
}
