import { ArgsType, Field, Float, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { Freshness } from "../common/types.ts";

export const DataQualityKind = {
  NULLS: "nulls",
  RANGE: "range",
  ACCEPTED_VALUES: "accepted-values",
  FORMAT: "format",
  CONDITION: "condition",
  UNIQUENESS: "uniqueness",
  REFERENCE: "reference",
  RECONCILIATION: "reconciliation",
  VOLUME: "volume",
  FRESHNESS: "freshness",
} as const;
export type DataQualityKind = (typeof DataQualityKind)[keyof typeof DataQualityKind];

export const DataQualitySeverity = { WARN: "warn", ERROR: "error" } as const;
export type DataQualitySeverity = (typeof DataQualitySeverity)[keyof typeof DataQualitySeverity];

export const DataQualityStatus = {
  PASSED: "passed",
  FAILED: "failed",
  SKIPPED: "skipped",
  UNKNOWN: "unknown",
} as const;
export type DataQualityStatus = (typeof DataQualityStatus)[keyof typeof DataQualityStatus];

registerEnumType(DataQualityKind, {
  name: "DataQualityKind",
  description: "What a check of a table looks at.",
  valuesConfig: {
    NULLS: { description: "Values that have to be there." },
    RANGE: { description: "Numbers between bounds." },
    ACCEPTED_VALUES: { description: "Values of a list." },
    FORMAT: { description: "Texts of a length and of certain characters." },
    CONDITION: { description: "A condition on each row." },
    UNIQUENESS: { description: "No two rows with one key." },
    REFERENCE: { description: "Ids that another table knows." },
    RECONCILIATION: { description: "The same rows or sums as in the table that it is made of." },
    VOLUME: { description: "As many rows as usual at that hour or on that weekday." },
    FRESHNESS: { description: "Not far behind the watermark." },
  },
});
registerEnumType(DataQualitySeverity, {
  name: "DataQualitySeverity",
  description: "What a check that fails means.",
  valuesConfig: {
    WARN: { description: "Producers sent something that should be looked at." },
    ERROR: { description: "Rows of the table are wrong; an alert of kind `data-quality` was raised." },
  },
});
registerEnumType(DataQualityStatus, {
  name: "DataQualityStatus",
  description: "What a check came to.",
  valuesConfig: {
    SKIPPED: { description: "There was nothing that could be looked at." },
    UNKNOWN: { description: "The query engine could not look." },
  },
});

@ObjectType({ description: "The newest result of a check of a table.", simpleResolvers: true })
export class DataQualityResult {
  @Field(() => String, { description: "Such as `silver.events`." })
  table!: string;

  @Field(() => String, { description: "One of its name in the table." })
  check!: string;

  @Field(() => DataQualityKind)
  kind!: DataQualityKind;

  @Field(() => DataQualitySeverity)
  severity!: DataQualitySeverity;

  @Field(() => DataQualityStatus)
  status!: DataQualityStatus;

  @Field(() => DateTime, { description: "When the run began." })
  checkedAt!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: "The first of the runs in a row that failed; null where it passes.",
  })
  failingSince!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Rows or groups that fail; of a volume the rows; of freshness how far behind, ms.",
  })
  measured!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "The highest value that passes; of a volume the bound on its side of the median.",
  })
  threshold!: number | null;

  @Field(() => Long, { nullable: true, description: "Rows or groups looked at." })
  rows!: number | bigint | null;

  @Field(() => DateTime, { nullable: true, description: "Rows from this time on were looked at; null: all." })
  since!: number | null;

  @Field(() => String, {
    nullable: true,
    description: "A few that fail, a JSON array: log positions or keys, never ids of shoppers or contents.",
  })
  sample!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The table's snapshot; null where several tables were read, or none.",
  })
  snapshotId!: string | null;

  @Field(() => String, { nullable: true, description: "What was found, or why nothing was looked at." })
  note!: string | null;
}

@ObjectType({ description: "What the checks of the lake's tables came to.", simpleResolvers: true })
export class DataQualityReport {
  @Field(() => [DataQualityResult], {
    description: "By table and check, of those that were run within 31 days.",
  })
  results!: readonly DataQualityResult[];

  @Field(() => Freshness, { description: "Of the results, not of the tables." })
  freshness!: Freshness;
}

@ArgsType()
export class DataQualityArgs {
  @Field(() => String, { nullable: true, description: "Such as `silver.events`." })
  table?: string | null;

  @Field(() => DataQualityStatus, { nullable: true })
  status?: DataQualityStatus | null;

  @Field(() => String, { nullable: true, description: "Lake snapshot of the results instead of the newest." })
  asOf?: string | null;
}
