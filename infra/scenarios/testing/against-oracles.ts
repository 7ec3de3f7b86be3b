import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import { admitBronze, detectorDifference, detectorOracles } from "./bronze-oracle.ts";
import { copyOf, type Difference, type LakeReader } from "./lake-reader.ts";
import { DERIVED, derivedDifference } from "./oracle-run.ts";

/**
 * What a platform, whose tables were copied as schema `copy`, lacks, or has beyond, what the oracles in SQL
 * make of its bronze tables: by derived table, of those with a difference.
 */
export async function againstOracles(
  reader: LakeReader,
  config: Config,
  copy: string,
): Promise<ReadonlyMap<string, Difference>> {
  const views = lakeTables.map((each) => `CREATE VIEW ${copyOf("lake", each)} AS FROM ${copyOf(copy, each)}`);
  await reader.run(`CREATE SCHEMA lake; ${views.join("; ")}`);
  await admitBronze(reader, config);
  const differences = new Map<string, Difference>();
  for (const oracle of detectorOracles)
    differences.set(oracle.table.name, await detectorDifference(reader, oracle));
  for (const name of DERIVED) differences.set(name, await derivedDifference(reader, name));
  return new Map([...differences].filter(([, { lost, surplus }]) => lost + surplus > 0));
}
