import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
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
    for (const name of ["httpfs", "avro", "iceberg"])
      await connection.run(`LOAD '${folder}/${name}.duckdb_extension'`);
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

  /** Copies tables of a platform's lake into the database, as `SCHEMA.NAMESPACE_TABLE`, times as epoch ms. */
  async copyLake(config: Config, schema: string, tables: readonly TableSpec[]): Promise<void> {
    await this.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`);
    if (config.mode === "distributed") await this.reachS3(config);
    for (const [table, place] of await lakePlaces(config, tables)) {
      const source = `iceberg_scan('${place}')`;
      await this.run(`CREATE TABLE ${copyOf(schema, table)} AS SELECT ${millisOf(table)} FROM ${source}`);
    }
  }

  private async reachS3(config: Config): Promise<void> {
    const { host, protocol } = new URL(config.s3Endpoint);
    await this.run(`CREATE OR REPLACE SECRET lake (TYPE s3, KEY_ID '${config.s3AccessKeyId}',
      SECRET '${config.s3SecretAccessKey}', REGION '${config.s3Region}', ENDPOINT '${host}',
      URL_STYLE 'path', USE_SSL ${protocol === "https:"})`);
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

/** Where DuckDB finds each table: its folder, or the newest metadata that the catalog names. */
async function lakePlaces(
  config: Config,
  tables: readonly TableSpec[],
): Promise<readonly (readonly [TableSpec, string])[]> {
  if (config.mode === "embedded") {
    return tables.map((table) => [table, join(config.home, "lake", table.namespace, table.name)]);
  }
  const { catalog, close } = await openAdapters(config, Date.now);
  try {
    const loaded = await Promise.all(tables.map((table) => catalog.load(tableName(table))));
    return tables.map((table, i) => [table, loaded[i]?.metadataLocation ?? `no table ${tableName(table)}`]);
  } finally {
    await close();
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
