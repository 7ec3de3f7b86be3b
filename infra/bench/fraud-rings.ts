import {
  auc,
  averagePrecision,
  calibrationError,
  decisionOf,
  FRAUD_FEATURES,
  orderScorers,
  reliability,
} from "../../ml/index.ts";
import { replayGeneratedOrders } from "../tools/generated-orders.ts";

/**
 * How well the fraud model that ships finds the rings of generated shops whose seeds it was not trained
 * on, order by order as each is placed, for each number of partitions: orders lie by user, so with more of
 * them a task knows fewer of the orders that share a device, a card or an address:
 *
 *     npm exec -- node infra/bench/fraud-rings.ts [PARTITIONS ...]
 */
const SHOPS = [
  { seed: 101, minutes: 30, chunkRecords: 16 },
  { seed: 102, minutes: 30, chunkRecords: 8192 },
  { seed: 103, minutes: 60, chunkRecords: 64, eventsPerSecond: 100, fraudRingEveryMs: 240_000 },
  { seed: 104, minutes: 120, chunkRecords: 64, eventsPerSecond: 40, fraudRingEveryMs: 400_000, users: 3000 },
] as const;
const PARTITIONS = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 2, 4, 8];

/** Without a model: four or more orders of one user within the hour, this one included. */
const RULE = FRAUD_FEATURES.indexOf("user_orders_1h");
const RULE_ORDERS = 3;

interface Scores {
  readonly scores: number[];
  readonly labels: number[];
  /** By the model's review threshold, and by the rule. */
  readonly found: { readonly isFraud: boolean; readonly byModel: boolean; readonly byRule: boolean }[];
}

function scoreShop(
  shop: (typeof SHOPS)[number],
  partitions: number,
): Scores & { readonly byStyle: Record<string, string> } {
  const [plugin] = orderScorers;
  const { weights, version } = plugin.defaultModel();
  const scorer = plugin.load(weights, version);
  const scored = new Map<string, { score: number; byRule: boolean }>();
  const out = new Float64Array(1);
  const { truth, planted } = replayGeneratedOrders(shop, partitions, ({ orderId, vector }) => {
    scorer.score(vector, 1, out);
    scored.set(orderId, { score: out[0], byRule: vector[RULE] >= RULE_ORDERS });
  });
  const rows = [...scored].map(([orderId, { score, byRule }]) => ({
    score,
    isFraud: planted.has(orderId),
    byModel: decisionOf(score, scorer.thresholds) !== "pass",
    byRule,
  }));
  const byStyle: Record<string, string> = {};
  for (const style of new Set(truth.fraudRings.map((ring) => ring.style))) {
    const ids = truth.fraudRings.filter((ring) => ring.style === style).flatMap(({ orderIds }) => orderIds);
    const judged = ids.flatMap((id) => scored.get(id) ?? []);
    const hits = judged.filter(({ score }) => decisionOf(score, scorer.thresholds) !== "pass").length;
    byStyle[style] = `${hits} of ${judged.length}`;
  }
  return {
    scores: rows.map(({ score }) => score),
    labels: rows.map(({ isFraud }) => (isFraud ? 1 : 0)),
    found: rows,
    byStyle,
  };
}

function precisionRecall(found: Scores["found"], by: "byModel" | "byRule"): Record<string, number> {
  const hits = found.filter((row) => row.isFraud && row[by]).length;
  return {
    precision: hits / found.filter((row) => row[by]).length,
    recall: hits / found.filter(({ isFraud }) => isFraud).length,
  };
}

function figures({ scores, labels, found }: Scores): Record<string, unknown> {
  const scored = { scores: Float64Array.from(scores), labels: Float64Array.from(labels) };
  return {
    orders: labels.length,
    frauds: labels.reduce((sum, label) => sum + label, 0),
    ...precisionRecall(found, "byModel"),
    auc: auc(scored),
    averagePrecision: averagePrecision(scored),
    calibrationError: calibrationError(reliability(scored)),
    rule: precisionRecall(found, "byRule"),
  };
}

for (const partitions of PARTITIONS) {
  const all: Scores = { scores: [], labels: [], found: [] };
  for (const shop of SHOPS) {
    const result = scoreShop(shop, partitions);
    all.scores.push(...result.scores);
    all.labels.push(...result.labels);
    all.found.push(...result.found);
    tell({ partitions, ...shop, ...figures(result), ringOrdersFound: result.byStyle });
  }
  tell({ partitions, all: figures(all) });
}

function tell(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
