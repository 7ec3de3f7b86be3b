import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildDataset, type Dataset, splitByTime } from "../../../ml/index.ts";
import { generatedEvents } from "../../tools/generated-events.ts";
import { onnxPropensity } from "./plugin.ts";

const HOURS = 25;
const SHOP = { seed: 3, eventsPerSecond: 20 };
const ROWS_MAX = 60_000;

/**
 * Writes `train.csv` and `later.csv`, labelled vectors of the plugin's features, for `train.py`, into a folder
 * that it makes where there is none:
 *
 *     npm exec -- node infra/examples/onnx-model/export-dataset.ts FOLDER
 *
 * A generated shop stands for one's own: `readBronze` gives `buildDataset` the events of a lake.
 */
export async function exportDataset(folder: string, hours = HOURS): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { dataset } = await buildDataset(onnxPropensity, generatedEvents(hours, SHOP), {
    seed: 1,
    rowsMax: ROWS_MAX,
  });
  const { train, validation } = splitByTime(dataset, {
    trainShare: 0.8,
    embargoMs: onnxPropensity.labels.gapMs,
  });
  writeFileSync(join(folder, "train.csv"), csv(train));
  writeFileSync(join(folder, "later.csv"), csv(validation));
}

function csv({ featureNames, vectors, labels, rows }: Dataset): string {
  const width = featureNames.length;
  const lines = Array.from({ length: rows }, (_, row) =>
    [...vectors.subarray(row * width, (row + 1) * width), labels[row]].join(","),
  );
  return `${[[...featureNames, "label"].join(","), ...lines].join("\n")}\n`;
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write("export-dataset: name the folder that the files go to\n");
    process.exit(2);
  }
  await exportDataset(folder);
}
