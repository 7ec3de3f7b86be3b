import { bronzeTable, customerEventContract, tableName } from "../../schema/index.ts";
import { detectorSpecs } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import type { QualityRunOptions } from "./run-quality.ts";

/** The settings of one run, over all tables. */
export function qualityOptions(config: Config): QualityRunOptions {
  const { leaveOut } = config;
  const idle = detectorSpecs.filter(({ name }) => leaveOut.includes(name)).flatMap(({ tables }) => tables);
  return {
    tables: lakeTables,
    watermarkTable: tableName(bronzeTable(customerEventContract)),
    since: null,
    days: config.qualityDays,
    settings: { ...config },
    allowedLatenessMs: config.allowedLatenessMs,
    outOfOrdernessMs: config.outOfOrdernessMs,
    idle: new Set(idle.map(tableName)),
    fileBytesMax: config.fileBytesMax,
  };
}
