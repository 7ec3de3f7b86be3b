import { goldFraudScores, tableName } from "../../../schema/index.ts";
import { FRAUD_SCORES_NAMESPACE, type FraudScoreRecord, type HotStore } from "../../../stream/index.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { long, number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import { toContributions } from "../propensity/service.ts";
import type { FraudDecision, FraudScore, FraudScoreFilter } from "./type.ts";

export class FraudService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** From the lake, which has all contributions, else live. */
  async ofOrder(orderId: string): Promise<FraudScore | null> {
    const live = await readHot<FraudScoreRecord>(this.hotStore, FRAUD_SCORES_NAMESPACE, orderId);
    const conditions = new Conditions().compare("order_id", "=", orderId);
    // An hour around the live score's time: the engine then leaves out all other days.
    if (live !== null) {
      conditions.within("order_time", live.orderTime - AROUND_MS, live.orderTime + AROUND_MS);
    }
    const columns = goldFraudScores.columns.map(({ name }) => name).join(", ");
    const sql = `select ${columns} from {${tableName(goldFraudScores)}}${conditions.toSql()} limit 1`;
    const [row] = await this.lake.rows(await this.lake.pin(goldFraudScores), sql, conditions);
    if (row !== undefined) return toScore(row);
    if (live === null) return null;
    const { partition, offset, contributions, ...score } = live;
    return { ...score, contributions: toContributions(contributions), source: { partition, offset } };
  }

  /** Scores of the lake, newest first. */
  list(filter: FraudScoreFilter, page: PageArgs): Promise<Page<FraudScore>> {
    return this.lake.page({
      connection: "fraudScores",
      table: goldFraudScores,
      page,
      keyset: [
        { column: "order_time", type: "time" },
        { column: "order_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", filter.userId)
        .oneOf("decision", filter.decisions)
        .compare("score", ">=", filter.scoreMin)
        .within("order_time", filter.from, filter.to),
      toNode: toScore,
    });
  }
}

const AROUND_MS = 3_600_000;

function toScore(row: Row): FraudScore {
  return {
    orderId: text(row, "order_id"),
    userId: text(row, "user_id"),
    orderTime: time(row, "order_time"),
    score: number(row, "score"),
    decision: text(row, "decision") as FraudDecision,
    reasons: JSON.parse(text(row, "reasons")) as string[],
    modelVersion: text(row, "model_version"),
    classifier: text(row, "classifier"),
    contributions: toContributions(JSON.parse(text(row, "contributions")) as Record<string, number>),
    source: { partition: number(row, "_partition"), offset: long(row, "_offset") },
  };
}
