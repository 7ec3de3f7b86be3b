import type { QueryEngine, SqlValue } from "../../lakehouse/index.ts";
import {
  bronzeTable,
  type Column,
  type ContractField,
  createBooleanColumn,
  createEnumColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  type EventBatch,
  type EventContract,
  KeyDictionary,
  MillraceError,
  NULL_ENUM,
  nameColumns,
  RowFlag,
  silverEvents,
  tableName,
} from "../../schema/index.ts";

export interface BronzeReaderOptions {
  readonly engine: QueryEngine;
  readonly contract: EventContract;
  /** Names of the contract's fields to read; the others are not fetched. */
  readonly fields: readonly string[];
  /** Log offsets of one query: bounds the memory. */
  readonly offsetsPerRead?: number;
}

/**
 * The events of a bronze table as the decoder made them: partition by partition, in log order, with
 * one named column per field. Rows that silver does not have were duplicates in the stream and get
 * {@link RowFlag.duplicate} again; offsets that bronze has and silver has not reached yet are left out.
 * Throws code `dataset-unusable` where the table has no rows.
 */
export async function* readBronze(options: BronzeReaderOptions): AsyncGenerator<EventBatch> {
  const { engine, contract } = options;
  const fields = options.fields.map((name) => fieldOf(contract, name));
  const step = options.offsetsPerRead ?? 50_000;
  for (const range of await partitionRanges(engine, contract)) {
    // Ids are the partition's own, as a task's are.
    const dictionaries = new Map(
      fields.filter((field) => field.key).map((field) => [field.name, new KeyDictionary(field.name)]),
    );
    for (let from = range.begin; from < range.end; from += step) {
      const to = Math.min(range.end, from + step);
      const { rows } = await engine.query(rowsSql(contract, fields), [range.partition, from, to]);
      if (rows.length > 0) yield toBatch(contract, fields, dictionaries, range.partition, rows);
    }
  }
}

export interface BronzeRange {
  readonly engine: QueryEngine;
  readonly contract: EventContract;
  readonly fields: readonly string[];
  /** Dictionaries of the key fields, by name; one that several topics have is to be the same. */
  readonly dictionaries: ReadonlyMap<string, KeyDictionary>;
  readonly partition: number;
  /** Log offsets [from, to). */
  readonly from: number;
  readonly to: number;
  /** `silver`: rows that silver does not have are flagged as duplicates. */
  readonly duplicates: "silver" | "unflagged";
}

/** The bronze rows of a range of offsets as the decoder made them, null where there are none. */
export async function readBronzeRange(range: BronzeRange): Promise<EventBatch | null> {
  const { engine, contract, dictionaries, partition, from, to, duplicates } = range;
  const fields = range.fields.map((name) => fieldOf(contract, name));
  const sql = duplicates === "silver" ? rowsSql(contract, fields) : plainRowsSql(contract, fields);
  const { rows } = await engine.query(sql, [partition, from, to]);
  return rows.length === 0 ? null : toBatch(contract, fields, dictionaries, partition, rows);
}

interface PartitionRange {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** Offsets [begin, end) of each partition that both bronze and silver have. */
async function partitionRanges(
  engine: QueryEngine,
  contract: EventContract,
): Promise<readonly PartitionRange[]> {
  const bronze = bronzeTable(contract);
  for (const table of [bronze, silverEvents]) {
    if ((await engine.snapshot(table)) === null) throw noRows(tableName(table));
  }
  const { rows } = await engine.query(
    `SELECT b.p AS p, b.first AS first, least(b.last, s.last) AS last
     FROM (SELECT _partition AS p, min(_offset) AS first, max(_offset) AS last
           FROM {${tableName(bronze)}} GROUP BY _partition) b
     JOIN (SELECT _partition AS p, max(_offset) AS last
           FROM {${tableName(silverEvents)}} GROUP BY _partition) s ON s.p = b.p
     ORDER BY b.p`,
    [],
  );
  if (rows.length === 0) throw noRows(tableName(bronze));
  return rows.map((row) => ({
    partition: Number(row.p),
    begin: Number(row.first),
    end: Number(row.last) + 1,
  }));
}

function rowsSql(contract: EventContract, fields: readonly ContractField[]): string {
  const selected = fields.map((field) => `b.${field.column} AS ${field.column}`);
  return `SELECT ${selected.join(", ")}, b._offset AS _offset, b._ingested_at AS _ingested_at,
       s._offset IS NULL AS is_duplicate
     FROM {${tableName(bronzeTable(contract))}} b
     LEFT JOIN (SELECT _offset FROM {${tableName(silverEvents)}}
                WHERE _partition = $1 AND _offset >= $2 AND _offset < $3) s ON s._offset = b._offset
     WHERE b._partition = $1 AND b._offset >= $2 AND b._offset < $3
     ORDER BY b._offset`;
}

function plainRowsSql(contract: EventContract, fields: readonly ContractField[]): string {
  const selected = fields.map((field) => field.column);
  return `SELECT ${selected.join(", ")}, _offset, _ingested_at, false AS is_duplicate
     FROM {${tableName(bronzeTable(contract))}}
     WHERE _partition = $1 AND _offset >= $2 AND _offset < $3
     ORDER BY _offset`;
}

type SqlRow = Readonly<Record<string, SqlValue>>;

function toBatch(
  contract: EventContract,
  fields: readonly ContractField[],
  dictionaries: ReadonlyMap<string, KeyDictionary>,
  partition: number,
  rows: readonly SqlRow[],
): EventBatch {
  const columns = fields.map((field) => toColumn(field, dictionaries.get(field.name), rows));
  const batch: EventBatch = {
    contract: contract.name,
    topic: contract.topic,
    partition,
    length: rows.length,
    offset: Float64Array.from(rows, (row) => Number(row._offset)),
    ingestedAt: Float64Array.from(rows, (row) => toMs(row._ingested_at)),
    columns,
    flags: Uint8Array.from(rows, (row) => (row.is_duplicate === true ? RowFlag.duplicate : 0)),
    extra: nullTexts(rows.length),
  };
  return nameColumns(batch, fields);
}

function toColumn(
  field: ContractField,
  dictionary: KeyDictionary | undefined,
  rows: readonly SqlRow[],
): Column {
  const values = rows.map((row) => row[field.column] ?? null);
  if (field.type === "enum") {
    const column = createEnumColumn(rows.length, field.symbols ?? []);
    values.forEach((value, row) => {
      column.codes[row] = value === null ? NULL_ENUM : column.symbols.indexOf(String(value));
    });
    return column;
  }
  if (field.type === "string" || field.type === "json") {
    return dictionary === undefined ? toTextColumn(values) : toKeyColumn(values, dictionary);
  }
  return toNumberColumn(field, values);
}

function toNumberColumn(field: ContractField, values: readonly SqlValue[]): Column {
  const column =
    field.type === "int"
      ? createInt32Column(values.length, field.nullable)
      : field.type === "boolean"
        ? createBooleanColumn(values.length, field.nullable)
        : createFloat64Column(FLOAT_KINDS[field.type] ?? "float64", values.length, field.nullable);
  values.forEach((value, row) => {
    column.values[row] = value === null ? 0 : toMs(value);
    if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
  });
  return column;
}

const FLOAT_KINDS: Readonly<Record<string, "int64" | "timestamp">> = {
  long: "int64",
  timestamp: "timestamp",
};

function toKeyColumn(values: readonly SqlValue[], dictionary: KeyDictionary): Column {
  const column = createKeyColumn(values.length, dictionary);
  values.forEach((value, row) => {
    column.ids[row] = value === null ? -1 : dictionary.internText(String(value));
  });
  return column;
}

function toTextColumn(values: readonly SqlValue[]): Column {
  const column = nullTexts(values.length);
  column.bytes = Buffer.from(values.map((value) => (value === null ? "" : String(value))).join(""));
  let at = 0;
  values.forEach((value, row) => {
    if (value === null) return;
    column.start[row] = at;
    at += Buffer.byteLength(String(value));
    column.end[row] = at;
  });
  return column;
}

function nullTexts(count: number): ReturnType<typeof createTextColumn> {
  const column = createTextColumn(count);
  column.start.fill(-1);
  column.end.fill(-1);
  return column;
}

/** A number of any engine's type; of a time its milliseconds since the epoch. */
function toMs(value: SqlValue): number {
  return value instanceof Date ? value.getTime() : Number(value);
}

function fieldOf(contract: EventContract, name: string): ContractField {
  const field = contract.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`contract ${contract.name} has no field ${name}`);
  return field;
}

function noRows(table: string): MillraceError {
  return new MillraceError(
    `${table} has no rows to train on: run \`millrace replay\` or \`npm start\` first`,
    { code: "dataset-unusable", origin: "user" },
  );
}
