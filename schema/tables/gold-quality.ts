import { oneOf } from "./checks.ts";
import { QUALITY_KINDS, QUALITY_SEVERITIES, QUALITY_STATUSES } from "./quality-check.ts";
import { defineTable } from "./table-spec.ts";

export const goldDataQuality = defineTable({
  namespace: "gold",
  name: "data_quality",
  doc: "Results of the checks of tables: a row for each check of each run (`millrace quality`, and by schedule).",
  partitionByDayOf: "checked_at",
  key: ["table_name", "check_name", "checked_at"],
  columns: [
    ["checked_at", "timestamptz", "required", "When the run began: the same in all of its rows."],
    ["table_name", "string", "required", "The table, such as `silver.events`."],
    ["check_name", "string", "required", "The check, one of its name in the table."],
    [
      "kind",
      "string",
      "required",
      "nulls, range, accepted-values, format, condition, uniqueness, reference, reconciliation, volume or freshness.",
    ],
    [
      "severity",
      "string",
      "required",
      "error: the platform promises it. warn: what producers send, to be looked at.",
    ],
    [
      "status",
      "string",
      "required",
      "passed, failed, skipped (there was nothing to look at) or unknown (the engine could not look).",
    ],
    [
      "measured",
      "double",
      "optional",
      "What was found: rows or groups that fail; of volume the rows; of freshness how far behind, ms.",
    ],
    ["threshold", "double", "optional", "The highest (of volume: lowest or highest) value that passes."],
    ["rows_checked", "long", "optional", "Rows or groups looked at."],
    ["since", "timestamptz", "optional", "Rows from this time on were looked at; null: all of the table."],
    [
      "sample",
      "string",
      "optional",
      "A few that fail, a JSON array: log positions or keys, never ids of shoppers or contents.",
    ],
    [
      "snapshot_id",
      "string",
      "optional",
      "The table's snapshot; null where several tables were read, or none.",
    ],
    ["note", "string", "optional", "What was found, or why nothing was looked at, for a person."],
    [
      "failing_since",
      "timestamptz",
      "optional",
      "The first of the runs in a row that failed, up to this one; null where it passes.",
    ],
  ],
  checks: [
    oneOf("kind", QUALITY_KINDS),
    oneOf("severity", QUALITY_SEVERITIES),
    oneOf("status", QUALITY_STATUSES),
  ],
});
