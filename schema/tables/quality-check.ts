/** What a check looks at: the column `kind` of `gold.data_quality`. */
export const QUALITY_KINDS = [
  "nulls",
  "range",
  "accepted-values",
  "format",
  "condition",
  "uniqueness",
  "reference",
  "reconciliation",
  "volume",
  "freshness",
] as const;
export type QualityKind = (typeof QUALITY_KINDS)[number];

/** error: the platform promises it, so a failure means wrong rows. warn: what producers send, to look at. */
export const QUALITY_SEVERITIES = ["warn", "error"] as const;
export type QualitySeverity = (typeof QUALITY_SEVERITIES)[number];

/** skipped: there was nothing that could be looked at. unknown: the engine could not look. */
export const QUALITY_STATUSES = ["passed", "failed", "skipped", "unknown"] as const;
export type QualityStatus = (typeof QUALITY_STATUSES)[number];

interface CheckBase {
  /** Kebab-case, one of its kind in the table. */
  readonly name: string;
  readonly severity: QualitySeverity;
}

/**
 * A condition of standard SQL, the same for every engine; `:futureSkewMs` stands for the value of a setting. A
 * row for which it is null passes.
 */
export type QualitySql = string;

/** A check of each row by itself. */
interface RowCheckBase extends CheckBase {
  /** The rows that it is about; all where it is absent. */
  readonly where?: QualitySql;
  /** Share of the rows looked at that may fail; none where it is absent. */
  readonly tolerance?: number;
}

export type RowCheck = RowCheckBase &
  (
    | { readonly kind: "nulls"; readonly columns: readonly string[] }
    | { readonly kind: "range"; readonly column: string; readonly min?: number; readonly max?: number }
    | { readonly kind: "accepted-values"; readonly column: string; readonly values: readonly string[] }
    /** A text of so many characters, all of them of these. */
    | {
        readonly kind: "format";
        readonly column: string;
        readonly characters: string;
        readonly length: number;
      }
    | { readonly kind: "condition"; readonly holds: QualitySql }
  );

/** No two rows have these columns equal; those of one day where `perDay` is set. */
export interface UniquenessCheck extends RowCheckBase {
  readonly kind: "uniqueness";
  readonly columns: readonly string[];
  readonly perDay?: boolean;
}

/** What a column names is known to another table, whenever that was. Skipped where that one is empty. */
export interface ReferenceCheck extends RowCheckBase {
  readonly kind: "reference";
  readonly column: string;
  /** `bronze.products` */
  readonly table: string;
  readonly tableColumn: string;
  /** Days before the rows looked at that the other table is searched; all of it where it is absent. */
  readonly daysBefore?: number;
  /** Rows newer than this, by the newest of the table, may still wait for the other table. */
  readonly settleMs?: number;
}

/** Every record of another table of the same log positions is here, by its id: repeats are here once. */
interface CompleteCheck extends CheckBase {
  readonly kind: "reconciliation";
  readonly compares: "complete";
  readonly table: string;
  /** The idempotency key, in both tables. */
  readonly id: string;
}

/** Every row's log position is one of another table. */
interface ContainedCheck extends CheckBase {
  readonly kind: "reconciliation";
  readonly compares: "contained";
  readonly table: string;
}

/**
 * Windows over are what the rows of another table add up to: those that came behind the watermark (`is_late`)
 * may have come too late to count, all others must.
 */
export interface SumsCheck extends CheckBase {
  readonly kind: "reconciliation";
  readonly compares: "sums";
  readonly table: string;
  readonly where: QualitySql;
  /** Length of the windows: ms, or the setting that has it. */
  readonly windowMs: number | string;
  /** The table's columns beside the window, with what they are in the other table. */
  readonly groups: Readonly<Record<string, string>>;
  /** The table's columns that are added up, with what each row of the other table adds. */
  readonly totals: Readonly<Record<string, string>>;
}

export type ReconciliationCheck = CompleteCheck | ContainedCheck | SumsCheck;

/** As many rows came in the last whole hour or day as usual: the median of that hour of earlier days, or of that weekday. */
export interface VolumeCheck extends CheckBase {
  readonly kind: "volume";
  readonly per: "hour" | "day";
  /** Of the median. */
  readonly least: number;
  readonly most: number;
}

/** The table has come to where its source was some time before the watermark. */
export interface FreshnessCheck extends CheckBase {
  readonly kind: "freshness";
  /** The end of what a row covers; the column that partitions the table where it is absent. */
  readonly column?: string;
  readonly table: string;
  readonly where?: QualitySql;
  /** How far behind the watermark the table may be. */
  readonly settleMs: number;
}

/**
 * What the rows of a table are held to. Declared beside the table, as data: `lakehouse/quality` makes SQL of it.
 */
export type QualityCheck =
  | RowCheck
  | UniquenessCheck
  | ReferenceCheck
  | ReconciliationCheck
  | VolumeCheck
  | FreshnessCheck;
