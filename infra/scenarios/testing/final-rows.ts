import { type TableSpec, takenBack } from "../../../schema/index.ts";
import { copyOf } from "./lake-reader.ts";

/** Tables that get rows from a person, from a job, from models that are no default, or after weeks of history only. */
export const NEEDS_MORE: readonly string[] = [
  "bronze.dead_letter_resends",
  "gold.session_scores",
  "gold.shadow_scores",
  "gold.demand_forecasts",
  "gold.forecast_accuracy",
  "gold.data_quality",
  "gold.daily_user_segments",
  "gold.daily_top_products",
  "gold.daily_category_conversion",
  "gold.report_runs",
  "gold.anomalies",
];

/** The newest revision of every key, without its number. */
export function newestRows(schema: string, table: TableSpec): string {
  const key = (table.correctedBy ?? table.key).join(", ");
  const newest = `SELECT * EXCLUDE (revision) FROM ${copyOf(schema, table)}
    QUALIFY revision = max(revision) OVER (PARTITION BY ${key})`;
  // What late data took away is a row in a run that reported it first, and none in a run in which the
  // data came in time: both say that it does not hold.
  const none = takenBack(table);
  return none === null ? newest : `FROM (${newest}) WHERE ${none.column} <> '${none.value}'`;
}

/** Rows of a key (and revision, where the table has any) beyond the first: what was written twice. */
export function doubledRows(schema: string, table: TableSpec): string {
  const revised = table.columns.some(({ name }) => name === "revision");
  const key = [...table.key, ...(revised ? ["revision"] : [])].join(", ");
  return `SELECT * FROM ${copyOf(schema, table)} QUALIFY row_number() OVER (PARTITION BY ${key}) > 1`;
}
