import { tableName, unknownName } from "../../../schema/index.ts";
import { fixedMetrics, goldAnomalies, goldMetrics, METRIC_PREFIX } from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import type { LakeReader, PinnedTable } from "../common/lake-reader.ts";
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
  async list(args: AnomaliesArgs): Promise<Page<Anomaly>> {
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
    const page = await this.lake.page(
      args.includeRetracted ? query : { ...query, holding: "status <> 'retracted'" },
    );
    if (page.edges.length === 0 && typeof args.metric === "string")
      await this.requireMetric(args.metric, await this.lake.pin(goldMetrics));
    return page;
  }

  async series({ name, from, to, asOf }: MetricArgs): Promise<MetricSeries> {
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
    if (rows.length === 0) await this.requireMetric(name, pinned);
    return { metric: name, points: rows.map(toPoint), freshness: pinned.freshness };
  }

  /** Throws where the shop has no such metric: of one that it has, nothing may have come yet, or in the range. */
  private async requireMetric(name: string, pinned: PinnedTable): Promise<void> {
    if (fixedMetrics.includes(name) || (await this.hasMetric(name, pinned))) return;
    const sql = `select distinct metric from {${tableName(goldMetrics)}} order by 1`;
    const known = (await this.lake.rows(pinned, sql)).map((row) => text(row, "metric"));
    const open = [METRIC_PREFIX.categoryEvents, METRIC_PREFIX.revenue].find((one) => name.startsWith(one));
    if (open !== undefined && !known.some((metric) => metric.startsWith(open))) return;
    // Categories may be many: what does not fit into the list is one of them.
    const [others, categories] = [false, true].map((isCategory) =>
      known.filter((metric) => metric.startsWith(METRIC_PREFIX.categoryEvents) === isCategory),
    );
    throw unknownName("metric", name, [...new Set([...fixedMetrics, ...others, ...categories])]);
  }

  /** Ends with the first row that it meets: the list of all names is for who has none. */
  private async hasMetric(name: string, pinned: PinnedTable): Promise<boolean> {
    const conditions = new Conditions().compare("metric", "=", name);
    const sql = `select metric from {${tableName(goldMetrics)}}${conditions.toSql()} limit 1`;
    return (await this.lake.rows(pinned, sql, conditions)).length > 0;
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
