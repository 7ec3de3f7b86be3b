import { goldDataQuality, tableName, unknownName } from "../../../schema/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, optional, optionalLong, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { DataQualityArgs, DataQualityReport, DataQualityResult } from "./type.ts";

/** Checks of one answer: there are some two hundred. */
const RESULTS_MAX = 2_000;
/** Older results are of checks that nobody runs any more. */
const HISTORY_MS = 31 * 86_400_000;

export class QualityService {
  private readonly lake: LakeReader;
  private readonly clock: () => number;

  constructor(lake: LakeReader, clock: () => number) {
    this.lake = lake;
    this.clock = clock;
  }

  async newest({ table, status, asOf }: DataQualityArgs): Promise<DataQualityReport> {
    const pinned = await this.lake.pin(goldDataQuality, asOf);
    const conditions = new Conditions().within("checked_at", this.clock() - HISTORY_MS, null);
    const columns = goldDataQuality.columns.map(({ name }) => name).join(", ");
    const sql =
      `select ${columns} from (select ${columns}, row_number() over ` +
      `(partition by table_name, check_name order by checked_at desc) as place ` +
      `from {${tableName(goldDataQuality)}}${conditions.toSql()}) as placed ` +
      `where place = 1 order by table_name, check_name limit ${RESULTS_MAX}`;
    const all = (await this.lake.rows(pinned, sql, conditions)).map(toResult);
    const known = new Set(all.map((result) => result.table));
    if (typeof table === "string" && all.length > 0 && !known.has(table))
      throw unknownName("table", table, [...known]);
    const results = all.filter(
      (result) => (table ?? result.table) === result.table && (status ?? result.status) === result.status,
    );
    return { results, freshness: pinned.freshness };
  }
}

function toResult(row: Row): DataQualityResult {
  return {
    table: text(row, "table_name"),
    check: text(row, "check_name"),
    kind: text(row, "kind") as DataQualityResult["kind"],
    severity: text(row, "severity") as DataQualityResult["severity"],
    status: text(row, "status") as DataQualityResult["status"],
    checkedAt: time(row, "checked_at"),
    failingSince: optional(row, "failing_since", time),
    measured: optional(row, "measured", number),
    threshold: optional(row, "threshold", number),
    rows: optionalLong(row, "rows_checked"),
    since: optional(row, "since", time),
    sample: optionalText(row, "sample"),
    snapshotId: optionalText(row, "snapshot_id"),
    note: optionalText(row, "note"),
  };
}
