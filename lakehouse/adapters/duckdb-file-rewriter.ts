import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, DuckDBTimestampTZValue } from "@duckdb/node-api";
import type { LakeType } from "../../schema/index.ts";
import type { FileRewriter, RewriteRequest } from "../ports/file-rewriter.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { type BoundValue, encodeBound } from "../table/bounds.ts";
import type { SchemaField } from "../table/table-metadata.ts";
import { copyOptions, quoteName, quoteText, tableRelation } from "./duckdb-sql.ts";

export interface DuckDbFileRewriterOptions {
  readonly objectStore: ObjectStore;
  /** Threads of DuckDB (default 1: compaction runs beside the stream). */
  readonly threads?: number;
  /** DuckDB's memory limit (default `512MB`); beyond it sorts spill to the temporary folder. */
  readonly memoryLimit?: string;
  /** Where files are made before they are put (default: the system's temporary folder). */
  readonly temporaryFolder?: string;
}

/** Rewrites data files with DuckDB. */
export class DuckDbFileRewriter implements FileRewriter {
  private readonly options: DuckDbFileRewriterOptions;
  private instance: Promise<DuckDBInstance> | null = null;

  constructor(options: DuckDbFileRewriterOptions) {
    this.options = options;
  }

  rewrite(request: RewriteRequest): Promise<StagedFile> {
    const order = request.sortBy.length > 0 ? `ORDER BY ${request.sortBy.map(quoteName).join(", ")}` : "";
    const relation = tableRelation(request.fields, request.inputs);
    return this.write(request, `SELECT * FROM ${relation} ${order}`);
  }

  /**
   * Writes the result of a query, which must have the columns of `fields` in their order, as one data
   * file. For reports and tests; `sql` is trusted.
   */
  async write(request: Omit<RewriteRequest, "inputs" | "sortBy">, sql: string): Promise<StagedFile> {
    const connection = await (await this.open()).connect();
    const folder = this.options.temporaryFolder ?? tmpdir();
    const path = join(folder, `millrace-${randomUUID()}.parquet`);
    try {
      // DuckDB does not sync what it writes, and a name must never stand for half a file: the object
      // store's put does both.
      await connection.run(`COPY (${sql}) TO ${quoteText(path)} (${copyOptions(request.fields)})`);
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
  }

  private open(): Promise<DuckDBInstance> {
    this.instance ??= DuckDBInstance.create(":memory:", {
      threads: String(this.options.threads ?? 1),
      memory_limit: this.options.memoryLimit ?? "512MB",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    return this.instance;
  }
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
