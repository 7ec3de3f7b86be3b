import {
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldReportRuns,
  type TableSpec,
  tableName,
  unknownName,
} from "../../../schema/index.ts";
import type { LakeReader, PinnedTable } from "../common/lake-reader.ts";
import { long, number, optional, optionalLong, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { Freshness, Page } from "../common/types.ts";
import {
  type CategoryConversion,
  type ConversionMark,
  type DailyCategoryConversion,
  type DailyReportArgs,
  type DailyReportRuns,
  type DailyReportRunsArgs,
  type DailySegmentUser,
  type DailySegmentUsersArgs,
  type DailyTopProduct,
  type DailyTopProducts,
  type DailyUserSegment,
  type DailyUserSegments,
  type ReportRun,
  type ReportStatus,
  UserSegment,
} from "./type.ts";

const DAY_MS = 86_400_000;
const CATEGORIES_MAX = 1_000;
/** Products of one answer: the report has five. */
const PRODUCTS_MAX = 100;
const RUNS_MAX = 2_000;
/** Names of reports that an error tells. */
const REPORTS_MAX = 1_000;
const HISTORY_MS = 31 * DAY_MS;

/** Serves the daily reports. Of a day the rows of the highest revision hold, whatever a lower one had. */
export class ReportsService {
  private readonly lake: LakeReader;
  private readonly clock: () => number;

  constructor(lake: LakeReader, clock: () => number) {
    this.lake = lake;
    this.clock = clock;
  }

  async userSegments(args: DailyReportArgs): Promise<DailyUserSegments> {
    const total = (column: string): string => `cast(sum(${column}) as bigint) as ${column}`;
    const { day, rows, freshness } = await this.ofDay(
      goldDailyUserSegments,
      args,
      (holding) =>
        `select segment, count(*) as users, ${total("views")}, ${total("cart_adds")}, ${total("purchases")} ` +
        `from ${holding} group by segment`,
    );
    const bySegment = new Map(rows.map((row) => [text(row, "segment"), row]));
    const segments = day === null ? [] : Object.values(UserSegment);
    return { day, segments: segments.map((one) => toSegment(one, bySegment.get(one))), freshness };
  }

  segmentUsers({ segment, day, ...page }: DailySegmentUsersArgs): Promise<Page<DailySegmentUser>> {
    return this.lake.page({
      connection: "dailySegmentUsers",
      table: goldDailyUserSegments,
      page,
      // A correction of the day keeps its users, so behind a cursor a lower revision never holds alone.
      keyset: [{ column: "user_id", type: "text" }],
      order: "asc",
      conditions: new Conditions().within("day", ...boundsOf(day)),
      // It may put them into another segment. `segment` is one of three words of ours, not the caller's text.
      holding: `segment = '${segment}'`,
      toNode: toUser,
    });
  }

  async topProducts(args: DailyReportArgs): Promise<DailyTopProducts> {
    const { day, rows, freshness } = await this.ofDay(
      goldDailyTopProducts,
      args,
      (holding) => `select * from ${holding} order by rank limit ${PRODUCTS_MAX}`,
    );
    return { day, products: rows.map(toProduct), freshness };
  }

  async categoryConversion(args: DailyReportArgs): Promise<DailyCategoryConversion> {
    // The marked ones come also where they are behind the last that is listed.
    const { day, rows, freshness } = await this.ofDay(
      goldDailyCategoryConversion,
      args,
      (holding) =>
        "select * from (select *, row_number() over " +
        `(order by conversion desc, shoppers desc, category_id) as place from ${holding}) as placed ` +
        `where place <= ${CATEGORIES_MAX} or mark is not null order by place`,
    );
    const all = rows.map(toConversion);
    const marked = (mark: ConversionMark) => all.find((category) => category.mark === mark) ?? null;
    return {
      day,
      best: marked("best"),
      worst: marked("worst"),
      categories: all.slice(0, CATEGORIES_MAX),
      freshness,
    };
  }

  /** Of every report and day the newest run. */
  async runs({ report, asOf }: DailyReportRunsArgs): Promise<DailyReportRuns> {
    const pinned = await this.lake.pin(goldReportRuns, asOf);
    const recent = () => new Conditions().within("started_at", this.clock() - HISTORY_MS, null);
    const conditions = recent().compare("report", "=", report);
    const columns = goldReportRuns.columns.map(({ name }) => name).join(", ");
    const sql =
      `select ${columns} from (select ${columns}, row_number() over ` +
      "(partition by report, day order by started_at desc) as place " +
      `from {${tableName(goldReportRuns)}}${conditions.toSql()}) as placed ` +
      `where place = 1 order by day desc, report limit ${RUNS_MAX}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    if (rows.length === 0 && typeof report === "string") await this.requireReport(report, pinned, recent());
    return { runs: rows.map(toRun), freshness: pinned.freshness };
  }

  /** Throws `invalid-argument` for a report that was not run, where others were. */
  private async requireReport(report: string, pinned: PinnedTable, conditions: Conditions): Promise<void> {
    const sql =
      `select distinct report from {${tableName(goldReportRuns)}}${conditions.toSql()} ` +
      `order by report limit ${REPORTS_MAX}`;
    const names = (await this.lake.rows(pinned, sql, conditions)).map((row) => text(row, "report"));
    if (names.length > 0) throw unknownName("report", report, names);
  }

  /**
   * What a query makes of a day's rows that hold, by default of the newest day. No day where it has no rows.
   * @param sqlOf the query, of the rows that hold as a table
   */
  private async ofDay(
    table: TableSpec,
    { day, asOf }: DailyReportArgs,
    sqlOf: (holding: string) => string,
  ): Promise<{ readonly day: number | null; readonly rows: readonly Row[]; readonly freshness: Freshness }> {
    const pinned = await this.lake.pin(table, asOf);
    const { freshness } = pinned;
    const asked = day ?? (await this.newestDay(pinned));
    if (asked === null) return { day: null, rows: [], freshness };
    const [start, end] = boundsOf(asked);
    const conditions = new Conditions().within("day", start, end);
    const holding = `(${newestRevisions(table, conditions)}) as holding`;
    const rows = await this.lake.rows(pinned, sqlOf(holding), conditions);
    return { day: rows.length === 0 ? null : start, rows, freshness };
  }

  private async newestDay(pinned: PinnedTable): Promise<number | null> {
    const [row] = await this.lake.rows(pinned, `select max(day) as day from {${tableName(pinned.table)}}`);
    return row === undefined ? null : optional(row, "day", time);
  }
}

/** The UTC day of an instant. */
function boundsOf(instant: number): [start: number, end: number] {
  const start = Math.floor(instant / DAY_MS) * DAY_MS;
  return [start, start + DAY_MS];
}

function toSegment(segment: UserSegment, row: Row | undefined): DailyUserSegment {
  if (row === undefined) return { segment, users: 0, views: 0, cartAdds: 0, purchases: 0 };
  return {
    segment,
    users: number(row, "users"),
    views: long(row, "views"),
    cartAdds: long(row, "cart_adds"),
    purchases: long(row, "purchases"),
  };
}

function toUser(row: Row): DailySegmentUser {
  return {
    userId: text(row, "user_id"),
    segment: text(row, "segment") as UserSegment,
    views: number(row, "views"),
    cartAdds: number(row, "cart_adds"),
    purchases: number(row, "purchases"),
  };
}

function toProduct(row: Row): DailyTopProduct {
  return {
    rank: number(row, "rank"),
    productId: text(row, "product_id"),
    categoryId: optionalText(row, "category_id"),
    units: long(row, "units"),
    purchases: number(row, "purchases"),
    cartAdds: number(row, "cart_adds"),
    views: number(row, "views"),
  };
}

function toConversion(row: Row): CategoryConversion {
  return {
    categoryId: text(row, "category_id"),
    shoppers: number(row, "shoppers"),
    buyers: number(row, "buyers"),
    conversion: number(row, "conversion"),
    mark: optionalText(row, "mark") as ConversionMark | null,
  };
}

function toRun(row: Row): ReportRun {
  return {
    report: text(row, "report"),
    day: time(row, "day"),
    status: text(row, "status") as ReportStatus,
    attempt: number(row, "attempt"),
    startedAt: time(row, "started_at"),
    finishedAt: time(row, "finished_at"),
    rows: optionalLong(row, "rows_made"),
    message: optionalText(row, "message"),
    failingSince: optional(row, "failing_since", time),
  };
}
