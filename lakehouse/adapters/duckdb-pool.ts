import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { quoteFile, quoteText } from "./duckdb-sql.ts";
import { engineClosed, overloaded } from "./query-errors.ts";

export interface DuckDbPoolOptions {
  /** Threads of DuckDB, over all connections (default 2). */
  readonly threads?: number;
  /** DuckDB's memory limit (default `1GB`). */
  readonly memoryLimit?: string;
  /** Queries that run at the same time (default 4). */
  readonly connectionsMax?: number;
  /** Queries that wait for a connection; more are refused with `query-overloaded` (default 256). */
  readonly waitingMax?: number;
  /** Folder for what does not fit into memory; without it such queries fail. */
  readonly temporaryFolder?: string;
}

interface Waiter {
  readonly resolve: (connection: DuckDBConnection) => void;
  readonly reject: (error: unknown) => void;
}

const CONNECTIONS_MAX = 4;
const WAITING_MAX = 256;

/**
 * A bounded pool of connections of one in-memory DuckDB that reads files below one folder and can do
 * nothing else outside its memory: no other file, no network, no extension, no change of these settings.
 */
export class DuckDbPool {
  private readonly options: DuckDbPoolOptions;
  private readonly folder: string;
  private instance: Promise<DuckDBInstance> | null = null;
  private readonly idle: DuckDBConnection[] = [];
  private readonly waiting: Waiter[] = [];
  private opened = 0;
  private isClosed = false;

  /** @param folder what queries may read; ends with a separator */
  constructor(folder: string, options: DuckDbPoolOptions) {
    this.folder = folder;
    this.options = options;
  }

  async acquire(signal?: AbortSignal): Promise<DuckDBConnection> {
    signal?.throwIfAborted();
    const idle = this.idle.pop();
    if (idle !== undefined) return idle;
    if (this.isClosed) throw engineClosed();
    if (this.opened < (this.options.connectionsMax ?? CONNECTIONS_MAX)) return this.connect();
    if (this.waiting.length >= (this.options.waitingMax ?? WAITING_MAX)) {
      throw overloaded(this.waiting.length);
    }
    return this.wait(signal);
  }

  release(connection: DuckDBConnection): void {
    const waiter = this.waiting.shift();
    if (waiter !== undefined) waiter.resolve(connection);
    else if (this.isClosed) connection.closeSync();
    else this.idle.push(connection);
  }

  /** Running queries end; waiting ones are refused. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const waiter of this.waiting.splice(0)) waiter.reject(engineClosed());
    for (const connection of this.idle.splice(0)) connection.closeSync();
    (await this.instance)?.closeSync();
    this.instance = null;
  }

  private wait(signal: AbortSignal | undefined): Promise<DuckDBConnection> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener("abort", onAbort);
      const waiter: Waiter = {
        resolve: (connection) => {
          done();
          resolve(connection);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(waiter);
    });
  }

  private async connect(): Promise<DuckDBConnection> {
    this.opened++;
    try {
      this.instance ??= this.open();
      return await (await this.instance).connect();
    } catch (error) {
      this.opened--;
      this.instance = null;
      throw error;
    }
  }

  private async open(): Promise<DuckDBInstance> {
    const instance = await DuckDBInstance.create(":memory:", {
      threads: String(this.options.threads ?? 2),
      memory_limit: this.options.memoryLimit ?? "1GB",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
    });
    const connection = await instance.connect();
    const settings = [
      "SET GLOBAL TimeZone = 'UTC'",
      `SET GLOBAL temp_directory = ${quoteText(this.options.temporaryFolder ?? "")}`,
      // Data files never change under their name, so footers and pages need no second look.
      "SET GLOBAL parquet_metadata_cache = true",
      "SET GLOBAL validate_external_file_cache = 'NO_VALIDATION'",
      // The folder also in the form in which queries name it, if it has pattern characters.
      `SET GLOBAL allowed_directories = [${quoteText(this.folder)}, ${quoteFile(this.folder)}]`,
      "SET GLOBAL enable_external_access = false",
      "SET GLOBAL lock_configuration = true",
    ];
    for (const setting of settings) await connection.run(setting);
    connection.closeSync();
    return instance;
  }
}
