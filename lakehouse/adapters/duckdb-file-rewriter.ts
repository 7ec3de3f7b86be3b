import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, DuckDBTimestampTZValue } from "@duckdb/node-api";
import { type LakeType, MillraceError } from "../../schema/index.ts";
import { FILES_LEFT, type FileRewriter, type RewriteRequest } from "../ports/file-rewriter.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { type BoundValue, encodeBound } from "../table/bounds.ts";
import type { SchemaField } from "../table/table-metadata.ts";
import {
  copyOptions,
  duckDbType,
  quoteFile,
  quoteName,
  quoteText,
  ROW_GROUP_ROWS_MAX,
  tableRelation,
} from "./duckdb-sql.ts";

export interface DuckDbFileRewriterOptions {
  readonly objectStore: ObjectStore;
  /** Threads of DuckDB (default 1: compaction runs beside the stream). */
  readonly threads?: number;
  /** DuckDB's memory limit (default `512MB`); beyond it sorts spill to the temporary folder. */
  readonly memoryLimit?: string;
  /** Where files are made before they are put, and sorts spill to (default: the system's temporary folder). */
  readonly temporaryFolder?: string;
}

const MEMORY_LIMIT = "512MB";
/** What a row group aims at, uncompressed: several times that is in memory while it is written. */
const ROW_GROUP_BYTES = 32 * 1024 * 1024;
/** One vector of DuckDB, in which rows are read and written: no row group has less but the last. */
const VECTOR_ROWS = 2_048;

/** Rewrites data files with DuckDB. */
export class DuckDbFileRewriter implements FileRewriter {
  private readonly options: DuckDbFileRewriterOptions;
  private readonly folder: string;
  /** Of this rewriter alone. DuckDB makes it when first something does not fit into memory. */
  private readonly spillFolder: string;
  private instance: Promise<DuckDBInstance> | null = null;

  constructor(options: DuckDbFileRewriterOptions) {
    this.options = options;
    this.folder = options.temporaryFolder ?? tmpdir();
    this.spillFolder = join(this.folder, `millrace-${randomUUID()}.spill`);
  }

  /** A sort has to have all rows of some width at hand: where they do not fit, rows stay in the order of the inputs. */
  async rewrite(request: RewriteRequest): Promise<StagedFile> {
    const foreign = request.fields.find(({ type }) => duckDbType(type) === null);
    if (foreign !== undefined) throw typeUnsupported(request.table, foreign);
    const order = request.sortBy.length > 0 ? `ORDER BY ${request.sortBy.map(quoteName).join(", ")}` : "";
    const rows = `SELECT * FROM ${tableRelation(request.fields, request.inputs)}`;
    const fitting = await this.rowGroupRows(request.inputs);
    const attempts = [
      { sql: `${rows} ${order}`, rowGroupRows: fitting },
      { sql: rows, rowGroupRows: wholeVectors(fitting / 4) },
      // The footers do not tell how wide the rows are of which many have the same long texts.
      { sql: rows, rowGroupRows: VECTOR_ROWS },
    ];
    let cause: unknown;
    for (const { sql, rowGroupRows } of attempts) {
      try {
        return await this.write(request, sql, rowGroupRows);
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        cause = error;
      }
    }
    throw this.tooWide(request, cause);
  }

  /**
   * Writes the result of a query, which must have the columns of `fields` in their order, as one data
   * file. For reports and tests; `sql` is trusted.
   */
  async write(
    request: Omit<RewriteRequest, "inputs" | "sortBy">,
    sql: string,
    rowGroupRows?: number,
  ): Promise<StagedFile> {
    const connection = await (await this.open()).connect();
    const path = join(this.folder, `millrace-${randomUUID()}.parquet`);
    try {
      // DuckDB does not sync what it writes, and a name must never stand for half a file: the object
      // store's put does both.
      const options = copyOptions(request.fields, rowGroupRows);
      await connection.run(`COPY (${sql}) TO ${quoteText(path)} (${options})`);
      const bytes = await readFile(path);
      const staged = await describeFile(connection, path, bytes.length, request);
      await this.options.objectStore.put(request.key, bytes, { ifAbsent: true });
      return staged;
    } finally {
      connection.closeSync();
      await rm(path, { force: true });
    }
  }

  async close(): Promise<void> {
    const instance = await this.instance;
    this.instance = null;
    instance?.closeSync();
    await rm(this.spillFolder, { recursive: true, force: true });
  }

  /** How many rows make a row group of {@link ROW_GROUP_BYTES}, by what the footers say of the rows. */
  private async rowGroupRows(inputs: readonly string[]): Promise<number> {
    const connection = await (await this.open()).connect();
    try {
      const files = `[${inputs.map(quoteFile).join(", ")}]`;
      const footers = await connection.runAndReadAll(
        `SELECT (SELECT sum(total_uncompressed_size)::DOUBLE FROM parquet_metadata(${files})),
           (SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata(${files}))`,
      );
      const [bytes, rows] = footers.getRows()[0].map(Number);
      return wholeVectors(ROW_GROUP_BYTES / Math.max(1, bytes / Math.max(1, rows)));
    } finally {
      connection.closeSync();
    }
  }

  private tooWide({ table, inputs }: RewriteRequest, cause: unknown): MillraceError {
    return new MillraceError(
      `${table}: ${inputs.length} data files have rows so wide that ${this.memoryLimit} of memory do not do to ` +
        "merge them; set maintenanceMemoryMb higher",
      { code: FILES_LEFT.outOfMemory, origin: "user", cause },
    );
  }

  private get memoryLimit(): string {
    return this.options.memoryLimit ?? MEMORY_LIMIT;
  }

  private open(): Promise<DuckDBInstance> {
    this.instance ??= DuckDBInstance.create(":memory:", {
      threads: String(this.options.threads ?? 1),
      memory_limit: this.memoryLimit,
      temp_directory: this.spillFolder,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return this.instance;
  }
}

function typeUnsupported(table: string, { name, type }: SchemaField): MillraceError {
  const text = typeof type === "string" ? type : (type as { readonly type: string }).type;
  return new MillraceError(
    `${table}: column ${name}, which another engine added, has the type ${text}, which Millrace cannot rewrite; ` +
      `let that engine compact the table (in Trino: ALTER TABLE ${table} EXECUTE optimize) or drop the column`,
    { code: FILES_LEFT.typeUnsupported, origin: "user" },
  );
}

function wholeVectors(rows: number): number {
  const vectors = Math.floor(Math.min(rows, ROW_GROUP_ROWS_MAX) / VECTOR_ROWS);
  return Math.max(1, vectors) * VECTOR_ROWS;
}

/** DuckDB's errors have no codes. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Out of Memory Error");
}

/** Counts, bounds and sizes of a Parquet file, from its rows and its footer. */
async function describeFile(
  connection: DuckDBConnection,
  path: string,
  bytes: number,
  request: Omit<RewriteRequest, "inputs" | "sortBy">,
): Promise<StagedFile> {
  const statistics = request.fields.flatMap((field) => {
    const name = quoteName(field.name);
    // NaN has no place in Iceberg's bounds.
    const filter = field.type === "double" ? `FILTER (WHERE NOT isnan(${name}))` : "";
    return [`count(${name})`, `min(${name}) ${filter}`, `max(${name}) ${filter}`];
  });
  const file = quoteText(path);
  const values = await connection.runAndReadAll(
    `SELECT count(*), ${statistics.join(", ")} FROM read_parquet(${file})`,
  );
  const [row] = values.getRows();
  const rows = Number(row[0]);
  const footer = await connection.runAndReadAll(
    `SELECT path_in_schema, sum(total_compressed_size) FROM parquet_metadata(${file}) GROUP BY 1`,
  );
  const sizes = new Map(footer.getRows().map(([name, size]) => [String(name), Number(size)]));
  const groups = await connection.runAndReadAll(
    `SELECT min(least(data_page_offset, coalesce(dictionary_page_offset, data_page_offset)))
     FROM parquet_metadata(${file}) GROUP BY row_group_id ORDER BY 1`,
  );
  return {
    table: request.table,
    key: request.key,
    rows,
    bytes,
    day: request.day,
    columns: request.fields.map((field, index) => ({
      id: field.id,
      values: rows,
      nulls: rows - Number(row[1 + index * 3]),
      bytes: sizes.get(field.name) ?? 0,
      lower: boundText(field, row[2 + index * 3], "lower"),
      upper: boundText(field, row[3 + index * 3], "upper"),
    })),
    splitOffsets: groups.getRows().map(([offset]) => Number(offset)),
  };
}

function boundText(field: SchemaField, value: unknown, side: "lower" | "upper"): string | null {
  if (value === null || value === undefined) return null;
  const plain = value instanceof DuckDBTimestampTZValue ? value.micros : value;
  return encodeBound(field.type as LakeType, plain as BoundValue, side)?.toString("base64") ?? null;
}
