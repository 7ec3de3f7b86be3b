import type { Dataset, Scorer } from "../plugin.ts";

/** Vectors a batch, as the stream scores them. */
const BATCH_ROWS = 128;
/** The first batches compile the code and fill the caches. */
const WARM_UP_BATCHES = 50;
const BATCHES = 200;

/**
 * Time of one score, microseconds: the median over batches, so that what else the machine does counts
 * little. At most 32,000 scores.
 */
export function scoreMicros(scorer: Scorer, dataset: Dataset, stopwatch: () => number): number {
  const width = dataset.featureNames.length;
  const batchRows = Math.min(BATCH_ROWS, dataset.rows);
  const out = new Float64Array(batchRows);
  const times: number[] = [];
  for (let batch = 0, row = 0; batch < WARM_UP_BATCHES + BATCHES; batch++, row += batchRows) {
    if (row + batchRows > dataset.rows) row = 0;
    const vectors = dataset.vectors.subarray(row * width, (row + batchRows) * width);
    const start = stopwatch();
    scorer.score(vectors, batchRows, out);
    if (batch >= WARM_UP_BATCHES) times.push(stopwatch() - start);
  }
  times.sort((a, b) => a - b);
  return (times[BATCHES >> 1] / batchRows) * 1000;
}
