import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import { ensureDuckDbExtensions } from "../../tools/test-tools.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Rows that one side has and the other has not, repeats counted. */
export interface Difference {
  readonly lost: number;
  readonly surplus: number;
  /** A few of both, for the message. */
  readonly examples: readonly Row[];
}

const EXAMPLES_MAX = 6;

/** DuckDB with its own Iceberg extension: reads the lake without a line of our code. */
export class LakeReader {
  private readonly instance: DuckDBInstance;
  private readonly connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.instance = instance;
    this.connection = connection;
  }

  static async open(): Promise<LakeReader> {
    const folder = await ensureDuckDbExtensions();
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    for (const name of ["avro", "iceberg"]) await connection.run(`LOAD '${folder}/${name}.duckdb_extension'`);
    await connection.run("SET TimeZone = 'UTC'");
    return new LakeReader(instance, connection);
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  /** Runs statements, without a result. */
  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Values as in JSON; 64-bit integers as text. */
  async rows(sql: string): Promise<readonly Row[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJson() as Row[];
  }

  async count(sql: string): Promise<number> {
    const [row] = await this.rows(`SELECT count(*) AS n FROM (${sql})`);
    return Number(row.n);
  }

  /** Copies tables of the lake into the database, as `SCHEMA.NAMESPACE_TABLE`, times as epoch ms. */
  async copyLake(home: string, schema: string, tables: readonly TableSpec[]): Promise<void> {
    await this.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
    for (const table of tables) {
      const folder = join(home, "lake", table.namespace, table.name);
      const source = `iceberg_scan('${folder}')`;
      await this.run(`CREATE TABLE ${copyOf(schema, table)} AS SELECT ${millisOf(table)} FROM ${source}`);
    }
  }

  /** Compares two queries with the same columns as bags of rows. */
  async difference(expected: string, actual: string): Promise<Difference> {
    await this.run(`CREATE OR REPLACE TEMP TABLE expected_rows AS ${expected}`);
    const columns = (await this.rows("SELECT name FROM pragma_table_info('expected_rows')"))
      .map(({ name }) => `"${name}"`)
      .join(", ");
    await this.run(`
      CREATE OR REPLACE TEMP TABLE actual_rows AS SELECT ${columns} FROM (${actual});
      CREATE OR REPLACE TEMP TABLE lost_rows AS FROM expected_rows EXCEPT ALL FROM actual_rows;
      CREATE OR REPLACE TEMP TABLE surplus_rows AS FROM actual_rows EXCEPT ALL FROM expected_rows`);
    const lost = await this.count("FROM lost_rows");
    const surplus = await this.count("FROM surplus_rows");
    const few = (side: string) =>
      this.rows(`SELECT '${side}' AS side, * FROM ${side}_rows ORDER BY ALL LIMIT ${EXAMPLES_MAX}`);
    return { lost, surplus, examples: [...(await few("lost")), ...(await few("surplus"))] };
  }
}

export function copyOf(schema: string, table: TableSpec): string {
  return `${schema}.${tableName(table).replace(".", "_")}`;
}

/** The columns of a table, times as epoch milliseconds. */
function millisOf(table: TableSpec): string {
  return table.columns
    .map(({ name, type }) => (type === "timestamptz" ? `epoch_ms("${name}") AS "${name}"` : `"${name}"`))
    .join(", ");
}
