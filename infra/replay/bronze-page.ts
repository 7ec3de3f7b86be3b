import type { QueryEngine } from "../../lakehouse/index.ts";
import { bronzeTable, type EventContract, tableName } from "../../schema/index.ts";
import { bronzeRecord } from "./bronze-record.ts";

/** A record as bronze has it. */
export interface BronzeRecord {
  readonly offset: number;
  /** When the log took it, ms. */
  readonly ingestedAt: number;
  /** Event time, ms. */
  readonly eventTime: number;
  /** The value of the contract's key field. */
  readonly key: string;
  /** JSON. */
  readonly text: string;
}

export interface BronzePageRange {
  readonly contract: EventContract;
  readonly partition: number;
  /** Log offsets [from, to). */
  readonly from: number;
  readonly to: number;
}

/** The records of a range of offsets, in their order; those that bronze does not have are left out. */
export async function readBronzePage(engine: QueryEngine, range: BronzePageRange): Promise<BronzeRecord[]> {
  const { contract, partition, from, to } = range;
  const { rows } = await engine.query(
    `SELECT * FROM {${tableName(bronzeTable(contract))}}
     WHERE _partition = $1 AND _offset >= $2 AND _offset < $3 ORDER BY _offset`,
    [partition, from, to],
  );
  const key = columnOf(contract, contract.keyField);
  const time = columnOf(contract, contract.timeField);
  return rows.map((row) => ({
    offset: Number(row._offset),
    ingestedAt: (row._ingested_at as Date).getTime(),
    eventTime: (row[time] as Date).getTime(),
    key: String(row[key]),
    text: bronzeRecord(contract, row),
  }));
}

/** Offsets `[begin, end)` of each partition that has any, by event time where bounds are given, ms. */
export async function bronzeRanges(
  engine: QueryEngine,
  contract: EventContract,
  bounds: { readonly from: number | null; readonly to: number | null },
): Promise<{ readonly partition: number; readonly begin: number; readonly end: number }[]> {
  const table = bronzeTable(contract);
  if ((await engine.snapshot(table)) === null) return [];
  const time = columnOf(contract, contract.timeField);
  const conditions: string[] = [];
  const values: Date[] = [];
  if (bounds.from !== null) conditions.push(`${time} >= $${values.push(new Date(bounds.from))}`);
  if (bounds.to !== null) conditions.push(`${time} < $${values.push(new Date(bounds.to))}`);
  const { rows } = await engine.query(
    `SELECT _partition, min(_offset) AS first, max(_offset) AS last FROM {${tableName(table)}}
     ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} GROUP BY _partition`,
    values,
  );
  return rows.map((row) => ({
    partition: Number(row._partition),
    begin: Number(row.first),
    end: Number(row.last) + 1,
  }));
}

/** The newest event time of each partition that has any records, ms. */
export async function newestTimes(engine: QueryEngine, contract: EventContract): Promise<number[]> {
  const table = bronzeTable(contract);
  if ((await engine.snapshot(table)) === null) return [];
  const { rows } = await engine.query(
    `SELECT max(${columnOf(contract, contract.timeField)}) AS newest FROM {${tableName(table)}} GROUP BY _partition`,
    [],
  );
  return rows.map(({ newest }) => (newest as Date).getTime());
}

function columnOf(contract: EventContract, field: string): string {
  return contract.fields.find(({ name }) => name === field)!.column;
}
