import { open } from "node:fs/promises";
import { createShopEvents } from "./shop-events.ts";
import type { ShopOptions, ShopTruth } from "./shop-options.ts";

const NEWLINE = 10;
const CHUNK_RECORDS = 5000;

export interface WriteNdjsonOptions extends Partial<ShopOptions> {
  /** Lines to write: customer events, with duplicates and malformed ones. */
  readonly customerEventsMax: number;
  readonly onProgress?: (lines: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes a generated shop's customer events to `path`, one JSON object a line in order of arrival, and
 * what was planted to `path` + `.truth.json`. The same options give the same bytes.
 */
export async function writeNdjson(path: string, options: WriteNdjsonOptions): Promise<ShopTruth> {
  const { onProgress, signal, ...shop } = options;
  // One partition keeps the order of arrival.
  const source = createShopEvents(shop, () => 1);
  const file = await open(path, "w");
  try {
    let lines = 0;
    while (!signal?.aborted) {
      const chunk = source.until(Number.POSITIVE_INFINITY, CHUNK_RECORDS);
      if (chunk === null) break;
      for (const batch of chunk) {
        if (batch.topic !== "customer-events") continue;
        await file.write(asLines(batch.bytes, batch.ends, batch.count));
        lines += batch.count;
        onProgress?.(lines);
      }
    }
  } finally {
    await file.close();
  }
  const truth = source.truth();
  const truthFile = await open(`${path}.truth.json`, "w");
  try {
    await truthFile.writeFile(`${JSON.stringify(truth, null, 2)}\n`);
  } finally {
    await truthFile.close();
  }
  return truth;
}

function asLines(bytes: Uint8Array, ends: Int32Array, count: number): Buffer {
  const lines = Buffer.allocUnsafe(bytes.length + count);
  let from = 0;
  for (let i = 0; i < count; i++) {
    lines.set(bytes.subarray(from, ends[i]), from + i);
    lines[ends[i] + i] = NEWLINE;
    from = ends[i];
  }
  return lines;
}
