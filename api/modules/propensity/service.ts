import { goldPropensityScores } from "../../../schema/index.ts";
import { HotNamespace, type HotStore, type UserRecord } from "../../../stream/index.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { long, number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import type {
  Contribution,
  LivePropensity,
  PropensityFilter,
  PropensityKind,
  PropensityScore,
} from "./type.ts";

export class PropensityService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  async live(userId: string): Promise<LivePropensity | null> {
    const record = await readHot<UserRecord>(this.hotStore, HotNamespace.users, userId);
    if (record?.propensity === undefined) return null;
    const { partition, offset, contributions, ...score } = record.propensity;
    return { userId, ...score, contributions: toContributions(contributions), source: { partition, offset } };
  }

  /** Scores of the lake, newest first. */
  list(filter: PropensityFilter, page: PageArgs): Promise<Page<PropensityScore>> {
    return this.lake.page({
      connection: "propensityScores",
      table: goldPropensityScores,
      page,
      keyset: [
        { column: "event_time", type: "time" },
        { column: "user_id", type: "text" },
        { column: "session_start", type: "time" },
        { column: "kind", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", filter.userId)
        .compare("kind", "=", filter.kind)
        .compare("score", ">=", filter.scoreMin)
        .within("event_time", filter.from, filter.to),
      toNode: toScore,
    });
  }
}

function toScore(row: Row): PropensityScore {
  return {
    userId: text(row, "user_id"),
    score: number(row, "score"),
    kind: text(row, "kind") as PropensityKind,
    modelVersion: text(row, "model_version"),
    eventTime: time(row, "event_time"),
    sessionStart: time(row, "session_start"),
    contributions: toContributions(JSON.parse(text(row, "contributions")) as Record<string, number>),
    source: { partition: number(row, "_partition"), offset: long(row, "_offset") },
  };
}

/** By size, the largest first. */
export function toContributions(byFeature: Readonly<Record<string, number>>): Contribution[] {
  return Object.entries(byFeature)
    .map(([feature, logOdds]) => ({ feature, logOdds }))
    .sort((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds));
}
