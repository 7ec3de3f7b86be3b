import { expect, test } from "vitest";
import { decisionOf, type FeatureKeys, OrderReplay, orderScorers } from "../../../ml/index.ts";
import {
  createDecoder,
  KeyDictionary,
  type OrderBatch,
  orderContract,
  RECORD_PADDING,
} from "../../../schema/index.ts";
import type { AppendBatch } from "../../../stream/index.ts";
import { ProbeWriter } from "./probes.ts";

test("the fraud model that ships holds every probe, the first of a user whom it does not know", () => {
  const keys: FeatureKeys = {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
  const [plugin] = orderScorers;
  const { weights, version } = plugin.defaultModel();
  const scorer = plugin.load(weights, version);
  const score = new Float64Array(1);
  const decisions: string[] = [];
  const replay = new OrderReplay(keys, ({ vector }) => {
    scorer.score(vector, 1, score);
    decisions.push(decisionOf(score[0], scorer.thresholds));
  });
  const writer = new ProbeWriter(1);
  const batches: AppendBatch[] = [];
  // Around a day and a night.
  for (let probe = 0; probe < 48; probe++) writer.write(probe, probe * 1_800_000, batches);
  const decoder = createDecoder(orderContract, {
    keys: { ...keys },
    capacity: 64,
    futureSkewMs: null,
  });
  for (const { topic, partition, bytes, starts, ends, count } of batches) {
    const padded = Buffer.concat([bytes, Buffer.alloc(RECORD_PADDING)]);
    const place = { topic, partition, baseOffset: 0, count, bytes: padded, starts, ends };
    const records = { ...place, ingestedAt: 0, sequence: 0, control: "data" as const };
    const batch = decoder.decode(records, 0, count) as OrderBatch;
    replay.foldOrders(batch, 0, batch.length);
  }
  expect(decisions).toHaveLength(48);
  expect(decisions).not.toContain("pass");
});
