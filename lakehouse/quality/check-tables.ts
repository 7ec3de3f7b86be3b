import {
  MillraceError,
  type QualityCheck,
  type TableSpec,
  tableName,
  unknownName,
} from "../../schema/index.ts";
import type { QueryEngine } from "../ports/query-engine.ts";
import { checkFreshness } from "./check-freshness.ts";
import { checkPositions } from "./check-positions.ts";
import { checkReference } from "./check-reference.ts";
import { checkRows, type SingleTableCheck } from "./check-rows.ts";
import { checkSums } from "./check-sums.ts";
import { checkVolume } from "./check-volume.ts";
import type { Finding, QualityResult } from "./finding.ts";
import { QualityLake, type QualityScope, type TableLook } from "./quality-lake.ts";
import { sampleText } from "./samples.ts";
import { checksOf } from "./table-checks.ts";

export interface QualityOptions extends QualityScope {
  /** Names of the tables that are checked; all where it is absent. */
  readonly only?: readonly string[];
  /** Tables that nothing writes: whether they are fresh, or add up, is not asked. */
  readonly idle?: ReadonlySet<string>;
  /** Called before each table. */
  readonly onTable?: (progress: {
    readonly table: string;
    readonly done: number;
    readonly of: number;
  }) => void;
}

/**
 * Checks tables, one after the other: one query for all that concerns the rows of one table, one more for
 * each check that reads another. Changes nothing.
 *
 * A check that the engine cannot run (too large, too slow, no SQL) is `unknown`, and the others go on.
 * Rejects with `invalid-argument` for a table that there is not, and where the engine is not to be had.
 */
export async function checkTables(engine: QueryEngine, options: QualityOptions): Promise<QualityResult[]> {
  const lake = new QualityLake(engine, options);
  const tables = chosen(options.tables, options.only);
  const results: QualityResult[] = [];
  for (const [done, table] of tables.entries()) {
    options.onTable?.({ table: tableName(table), done, of: tables.length });
    results.push(...(await checkTable(lake, table, options)));
  }
  return results;
}

function chosen(tables: readonly TableSpec[], only: readonly string[] | undefined): readonly TableSpec[] {
  if (only === undefined) return tables;
  const names = tables.map(tableName);
  for (const name of only) if (!names.includes(name)) throw unknownName("table", name, names);
  return tables.filter((table) => only.includes(tableName(table)));
}

async function checkTable(
  lake: QualityLake,
  table: TableSpec,
  { idle }: QualityOptions,
): Promise<QualityResult[]> {
  const name = tableName(table);
  const checks = checksOf(table);
  const single = checks.filter((check) => isSingle(check));
  const isIdle = idle?.has(name) ?? false;
  let look: TableLook;
  try {
    look = await lake.look(name);
  } catch (error) {
    const finding = unknownOf(error);
    return checks.map((check) => resultOf(name, null, check, finding));
  }
  const ofRows = await findingsOfRows(lake, look, single);
  const results: QualityResult[] = [];
  for (const check of checks) {
    const finding = isSingle(check)
      ? ofRows[single.indexOf(check)]
      : isIdle && (check.kind === "freshness" || check.kind === "reconciliation")
        ? { skipped: "what writes the table is left out" }
        : await acrossTables(lake, look, check).catch(unknownOf);
    results.push(resultOf(name, look, check, finding));
  }
  return results;
}

async function findingsOfRows(
  lake: QualityLake,
  look: TableLook,
  checks: readonly SingleTableCheck[],
): Promise<readonly Finding[]> {
  if (look.newest === null) return checks.map(() => NO_ROWS);
  return checkRows(lake, look, checks).catch((error) => {
    const finding = unknownOf(error);
    return checks.map(() => finding);
  });
}

const NO_ROWS: Finding = { skipped: "the table has no rows" };

async function acrossTables(
  lake: QualityLake,
  look: TableLook,
  check: Exclude<QualityCheck, SingleTableCheck>,
): Promise<Finding> {
  if (check.kind === "freshness") return checkFreshness(lake, look, check);
  if (look.newest === null) return NO_ROWS;
  switch (check.kind) {
    case "reference":
      return checkReference(lake, look, check);
    case "volume":
      return checkVolume(lake, look, check);
    case "reconciliation":
      return check.compares === "sums" ? checkSums(lake, look, check) : checkPositions(lake, look, check);
  }
}

const ACROSS: ReadonlySet<string> = new Set(["reference", "reconciliation", "volume", "freshness"]);

function isSingle(check: QualityCheck): check is SingleTableCheck {
  return !ACROSS.has(check.kind);
}

/** Failures that end the run: nothing else could be asked either. */
const FATAL: ReadonlySet<string> = new Set([
  "query-aborted",
  "query-engine-unreachable",
  "query-engine-denied",
  "catalog-not-found",
]);

function unknownOf(error: unknown): Finding {
  if (!(error instanceof MillraceError) || FATAL.has(error.code)) throw error;
  return { unknown: `${error.code}: ${error.message}` };
}

function resultOf(
  table: string,
  look: TableLook | null,
  { name, kind, severity }: QualityCheck,
  finding: Finding,
): QualityResult {
  const about = { table, check: name, kind, severity, since: look?.from ?? null };
  const none = {
    measured: null,
    threshold: null,
    rows: null,
    sample: null,
    snapshotId: look?.snapshotId ?? null,
  };
  if ("skipped" in finding) return { ...about, ...none, status: "skipped", note: finding.skipped };
  if ("unknown" in finding) return { ...about, ...none, status: "unknown", note: finding.unknown };
  const { passed, measured, threshold, rows, sample, note, pinned } = finding;
  return {
    ...about,
    status: passed ? "passed" : "failed",
    ...{ measured, threshold, rows },
    sample: sample === undefined || sample.length === 0 ? null : sampleText(sample),
    snapshotId: pinned ? none.snapshotId : null,
    note: note ?? null,
  };
}
