import { defineTable, type TableSpec } from "../../../schema/index.ts";
import type { PlainValue } from "../../parquet/testing/read-back.ts";
import { MS_PER_DAY } from "./probe-table.ts";

/** Alerts whose day is not in their key, and which may be taken back. */
export function alertTable(name: string): TableSpec {
  return defineTable({
    namespace: "gold",
    name,
    doc: "Alerts.",
    partitionByDayOf: "at",
    key: ["alert_id"],
    columns: [
      ["alert_id", "string", "required", "The alert."],
      ["at", "timestamptz", "required", "When."],
      ["figure", "long", "optional", "What was found."],
      ["status", "string", "required", "raised or retracted."],
      ["revision", "int", "required", "Counts."],
    ],
  });
}

/** A ranking that is corrected as a whole. */
export function rankingTable(name: string): TableSpec {
  return defineTable({
    namespace: "gold",
    name,
    doc: "Ranking.",
    partitionByDayOf: "at",
    key: ["at", "rank"],
    correctedBy: ["at"],
    columns: [
      ["at", "timestamptz", "required", "When."],
      ["rank", "int", "required", "1 is best."],
      ["item", "string", "optional", "What."],
      ["revision", "int", "required", "Counts."],
    ],
  });
}

/** Runs of which the newest holds. */
export function runTable(name: string): TableSpec {
  return defineTable({
    namespace: "gold",
    name,
    doc: "Runs.",
    partitionByDayOf: "made_at",
    key: ["item", "made_at"],
    newestRunBy: "made_at",
    columns: [
      ["item", "string", "optional", "What."],
      ["made_at", "timestamptz", "required", "The run."],
    ],
  });
}

/** Day of the first rows. */
const DAY = 20_000;
const at = (day: number, ms = 0): number => (DAY + day) * MS_PER_DAY + ms;

/** A table whose view is tried: what is committed, one day a commit, and what holds behind each commit. */
export interface RevisedCase {
  readonly name: string;
  readonly table: (name: string) => TableSpec;
  readonly commits: readonly (readonly (readonly PlainValue[])[])[];
  /** Some columns of the rows that hold, in text order. */
  readonly columns: readonly string[];
  readonly held: readonly (readonly string[])[];
}

export const REVISED_CASES: readonly RevisedCase[] = [
  {
    name: "rows that are corrected one by one, and taken back",
    table: alertTable,
    commits: [
      [
        ["a", at(0), 1, "raised", 1],
        ["b", at(0, 1), null, "raised", 1],
        ["c", at(0, 2), 3, "raised", 1],
      ],
      [["d", at(1), 4, "raised", 1]],
      [
        ["a", at(0), 10, "raised", 2],
        ["c", at(0, 2), 3, "retracted", 2],
        ["a", at(0), 11, "raised", 3],
      ],
      [["c", at(0, 2), 30, "raised", 3]],
    ],
    columns: ["alert_id", "figure", "revision"],
    held: [
      ["a:1:1", "b:null:1", "c:3:1"],
      ["a:1:1", "b:null:1", "c:3:1", "d:4:1"],
      ["a:11:3", "b:null:1", "d:4:1"],
      ["a:11:3", "b:null:1", "c:30:3", "d:4:1"],
    ],
  },
  {
    name: "rankings, of which a correction may be shorter",
    table: rankingTable,
    commits: [
      [
        [at(0), 1, "x", 1],
        [at(0), 2, "y", 1],
        [at(0), 3, null, 1],
      ],
      [
        [at(0), 1, "y", 2],
        [at(0), 2, "x", 2],
      ],
      [[at(1), 1, "z", 1]],
    ],
    columns: ["rank", "item"],
    held: [
      ["1:x", "2:y", "3:null"],
      ["1:y", "2:x"],
      ["1:y", "1:z", "2:x"],
    ],
  },
  {
    name: "runs, of which the newest holds",
    table: runTable,
    commits: [
      [
        ["x", at(0)],
        ["y", at(0)],
      ],
      [
        [null, at(1)],
        ["x", at(1)],
      ],
    ],
    columns: ["item"],
    held: [
      ["x", "y"],
      ["null", "x"],
    ],
  },
];
