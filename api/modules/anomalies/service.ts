import { goldAnomalies, goldMetrics } from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { long, number, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { Page } from "../common/types.ts";
import type { AnomaliesArgs, Anomaly, MetricArgs, MetricPoint, MetricSeries } from "./type.ts";

const POINTS_MAX = 10_000;

export class AnomaliesService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
  }

  /** Anomalies of the lake at their highest revision, newest window first. */
  list(args: AnomaliesArgs): Promise<Page<Anomaly>> {
    const query = {
      connection: "anomalies",
      table: goldAnomalies,
      page: args,
      keyset: [
        { column: "window_start", type: "time" },
        { column: "alert_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("metric", "=", args.metric)
        .within("window_start", args.from, args.to),
      toNode: toAnomaly,
    } as const;
    return this.lake.page(args.includeRetracted ? query : { ...query, holding: "status <> 'retracted'" });
  }

  async series({ name, from, to, asOf }: MetricArgs): Promise<MetricSeries> {
    if (from >= to) throw userError("invalid-argument", "from must be before to.");
    const conditions = new Conditions().compare("metric", "=", name).within("window_start", from, to);
    const pinned = await this.lake.pin(goldMetrics, asOf);
    const sql =
      `select * from (${newestRevisions(goldMetrics, conditions)}) as holding ` +
      `order by window_start limit ${POINTS_MAX + 1}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    if (rows.length > POINTS_MAX) {
      throw userError(
        "result-too-large",
        `The range has more than ${POINTS_MAX} windows. Take a shorter one.`,
      );
    }
    return { metric: name, points: rows.map(toPoint), freshness: pinned.freshness };
  }
}

function toAnomaly(row: Row): Anomaly {
  return {
    id: text(row, "alert_id"),
    metric: text(row, "metric"),
    windowStart: time(row, "window_start"),
    windowEnd: time(row, "window_end"),
    value: long(row, "value"),
    expected: number(row, "expected"),
    direction: text(row, "direction") as Anomaly["direction"],
    change: number(row, "change"),
    score: number(row, "score"),
    status: text(row, "status") as Anomaly["status"],
    revision: number(row, "revision"),
  };
}

function toPoint(row: Row): MetricPoint {
  return {
    windowStart: time(row, "window_start"),
    windowEnd: time(row, "window_end"),
    value: long(row, "value"),
    expected: row.expected === null ? null : number(row, "expected"),
  };
}
