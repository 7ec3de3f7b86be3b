import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "graphql-ws";
import { expect } from "vitest";
import { WebSocket } from "ws";
import {
  DuckDbFileRewriter,
  DuckDbQueryEngine,
  FileCatalog,
  LocalObjectStore,
} from "../../lakehouse/adapters/index.ts";
import {
  type Catalog,
  createLakePublisher,
  dataFileKey,
  ensureTables,
  type ObjectStore,
  type QualityStatus,
  type QueryEngine,
  type SqlValue,
} from "../../lakehouse/index.ts";
import { icebergSchema } from "../../lakehouse/table/schema.ts";
import { createModelRegistry, type LiveForecasts } from "../../ml/index.ts";
import {
  bronzeDeadLetters,
  bronzeTable,
  contracts,
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldDataQuality,
  goldDemandForecasts,
  goldFlashSaleAlerts,
  goldFraudScores,
  goldModelHealth,
  goldPageViewsByUser,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  goldPropensityScores,
  goldRecommendations,
  goldReportRuns,
  inventoryUpdateContract,
  productContract,
  silverEvents,
  silverSessions,
  type TableSpec,
  tableName,
} from "../../schema/index.ts";
import { LmdbEventLog } from "../../stream/adapters/lmdb-event-log.ts";
import { LmdbHotStore } from "../../stream/adapters/lmdb-hot-store.ts";
import { ALERTS_TOPIC, LogAlertBus } from "../../stream/adapters/log-alert-bus.ts";
import {
  type Alert,
  bronzeDeadLetterResends,
  bronzeRuleChanges,
  Collector,
  DeadLetterResends,
  detectorTables,
  type EventLog,
  eventLoopScheduling,
  type HotStore,
  hotBatchOf,
  ownSchemaSource,
  type TaskStatus,
} from "../../stream/index.ts";
import type { ApiConfig } from "./config.ts";
import { type ApiServer, createApiServer } from "./create-api-server.ts";

const MS_PER_DAY = 86_400_000;
const DECODING = { recordBytesMax: 1 << 20, futureSkewMs: 3_600_000 };
export const bronzeProducts = bronzeTable(productContract);
export const bronzeInventory = bronzeTable(inventoryUpdateContract);
const TABLES = [
  bronzeDeadLetters,
  bronzeDeadLetterResends,
  bronzeRuleChanges,
  goldFraudScores,
  bronzeProducts,
  bronzeInventory,
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldDataQuality,
  goldDemandForecasts,
  goldRecommendations,
  goldFlashSaleAlerts,
  goldModelHealth,
  goldPageViewsByUser,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  goldPropensityScores,
  goldReportRuns,
  ...detectorTables,
  silverEvents,
  silverSessions,
];

export interface GraphQLAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape that each test's query asks for.
  readonly data: any;
  readonly errors?: readonly { message: string; extensions: Record<string, unknown> }[];
}

/** The lake that an API of a test reads, and the engine that reads it. */
export interface TestApiLake {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  readonly engine: QueryEngine;
}

function embeddedLake(home: string): TestApiLake {
  const objectStore = new LocalObjectStore(home);
  const catalog = new FileCatalog({ objectStore, clock: Date.now });
  return { catalog, objectStore, engine: new DuckDbQueryEngine({ catalog, objectStore }) };
}

/** The API over a real lake, by default an embedded one, with hot store and log in a temporary folder. */
export class TestApi {
  readonly logged: object[] = [];
  tasks: TaskStatus[] = [];
  forecasts: LiveForecasts | null = null;
  quality: QualityStatus = { runs: 0, failures: 0, newest: null };
  statusAgeMs = 0;
  /** Whether the hot store does not answer. */
  hotStoreHangs = false;
  /** What stands between the API and the engine; tests may make it fail. */
  failing: Error | null = null;
  /** The SQL of the queries that the API asked the engine. */
  readonly queried: string[] = [];
  private constructor(
    readonly home: string,
    readonly lake: TestApiLake,
    readonly rewriter: DuckDbFileRewriter,
    readonly hotStore: HotStore,
    readonly log: LmdbEventLog,
    readonly alertBus: LogAlertBus,
  ) {}
  server!: ApiServer;
  private epoch = 1;

  static async start(
    config: Partial<ApiConfig> = {},
    openLake: (home: string) => TestApiLake = embeddedLake,
  ): Promise<TestApi> {
    const home = await mkdtemp(join(tmpdir(), "millrace-api-"));
    const lake = openLake(home);
    const log = new LmdbEventLog({ path: join(home, "log"), clock: Date.now });
    await log.createTopics(
      [ALERTS_TOPIC, ...contracts.map(({ topic }) => topic)].map((name) => {
        return { name, partitions: 1, retentionMs: 3_600_000, retentionBytes: null };
      }),
    );
    const api = new TestApi(
      home,
      lake,
      new DuckDbFileRewriter({ objectStore: lake.objectStore }),
      new LmdbHotStore({ path: join(home, "hot"), clock: Date.now }),
      log,
      new LogAlertBus(log),
    );
    await ensureTables(TABLES, api.lakeDeps());
    await api.serve(config);
    return api;
  }

  async serve(config: Partial<ApiConfig>): Promise<void> {
    const record = (details: object, message: string) => this.logged.push({ message, ...details });
    const queryEngine: QueryEngine = {
      query: (...args) => {
        this.queried.push(args[0]);
        return this.failing ? Promise.reject(this.failing) : this.lake.engine.query(...args);
      },
      snapshot: (table) => this.lake.engine.snapshot(table),
      close: () => this.lake.engine.close(),
    };
    this.server = await createApiServer({
      resends: this.resendsWith(this.log, queryEngine),
      collector: new Collector({
        log: this.log,
        decoding: DECODING,
        clock: Date.now,
        nextTurn: eventLoopScheduling.nextTurn,
      }),
      queryEngine,
      hotStore: this.hotStoreThatMayHang(),
      alertBus: this.alertBus,
      eventLog: this.log,
      pipeline: { tasks: () => this.tasks, statusAgeMs: () => this.statusAgeMs },
      models: createModelRegistry(this.lake.objectStore),
      forecasts: () => this.forecasts,
      quality: () => this.quality,
      clock: Date.now,
      logger: { info: record, warn: record, error: record },
      config: { port: 0, ...config },
    });
  }

  /** What sends dead letters again, beside others on the same log. */
  resendsWith(log: EventLog = this.log, engine = this.lake.engine): DeadLetterResends {
    return new DeadLetterResends({
      ...{ log, engine, clock: Date.now, sleep: (ms) => sleep(ms), random: Math.random },
      decoding: { source: ownSchemaSource, ...DECODING },
    });
  }

  private hotStoreThatMayHang(): HotStore {
    const store = this.hotStore;
    return {
      putMany: (batch) => store.putMany(batch),
      get: (...args) => (this.hotStoreHangs ? new Promise(() => undefined) : store.get(...args)),
      getMany: (...args) => store.getMany(...args),
      delete: (...args) => store.delete(...args),
      sweep: (entriesMax) => store.sweep(entriesMax),
      close: () => store.close(),
    };
  }

  async stop(): Promise<void> {
    await this.server.close();
    await this.alertBus.close();
    await this.log.close();
    await this.hotStore.close();
    await this.lake.engine.close();
    await this.rewriter.close();
    await rm(this.home, { recursive: true, force: true });
  }

  /** @param key of the caller, if any */
  async query(query: string, variables: object = {}, key?: string): Promise<GraphQLAnswer> {
    const response = await fetch(`${this.server.url}/graphql`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as Omit<GraphQLAnswer, "status">) };
  }

  /** The data of a query that must not fail. */
  async data(query: string, variables: object = {}): Promise<GraphQLAnswer["data"]> {
    const answer = await this.query(query, variables);
    expect(answer.errors).toBeUndefined();
    return answer.data;
  }

  socketUrl(): string {
    return `${this.server.url.replace("http", "ws")}/graphql`;
  }

  /** A GraphQL client over a socket of its own. */
  client(): Client {
    return createClient({ url: this.socketUrl(), webSocketImpl: WebSocket, retryAttempts: 0 });
  }

  /** Commits rows as a task's checkpoint would: one snapshot. */
  async commit(table: TableSpec, rows: readonly Readonly<Record<string, SqlValue>>[]): Promise<string> {
    const byDay = new Map<number, Readonly<Record<string, SqlValue>>[]>();
    for (const row of rows) {
      const day = Math.floor((row[table.partitionByDayOf] as Date).getTime() / MS_PER_DAY);
      byDay.set(day, [...(byDay.get(day) ?? []), row]);
    }
    const files = [];
    for (const [day, ofDay] of byDay) {
      const partition = { field: `${table.partitionByDayOf}_day`, day };
      const target = {
        table: tableName(table),
        fields: icebergSchema(table).fields,
        key: dataFileKey(tableName(table), partition, randomUUID()),
        day,
      };
      files.push(await this.rewriter.write(target, selectOf(table, ofDay)));
    }
    const publisher = createLakePublisher({ ...this.lakeDeps(), tables: TABLES });
    await publisher.publish([{ taskId: "test", epoch: this.epoch++, files }]);
    return (await this.lake.engine.snapshot(table))?.id ?? "";
  }

  async put(namespace: string, key: string, value: object): Promise<void> {
    await this.hotStore.putMany(hotBatchOf(namespace, { [key]: JSON.stringify(value) }, 60_000));
  }

  private lakeDeps() {
    const { catalog, objectStore } = this.lake;
    return { catalog, objectStore, clock: Date.now, sleep: (ms: number) => sleep(ms), random: Math.random };
  }
}

const DUCKDB_TYPES = {
  string: "VARCHAR",
  int: "INTEGER",
  long: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  timestamptz: "TIMESTAMPTZ",
};

function selectOf(table: TableSpec, rows: readonly Readonly<Record<string, SqlValue>>[]): string {
  const literal = (value: SqlValue | undefined) => {
    if (value === null || value === undefined) return "NULL";
    if (value instanceof Date) return `to_timestamp(${value.getTime() / 1000})`;
    return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
  };
  return rows
    .map(
      (row) =>
        `SELECT ${table.columns
          .map(({ name, type }) => `CAST(${literal(row[name])} AS ${DUCKDB_TYPES[type]}) AS ${name}`)
          .join(", ")}`,
    )
    .join(" UNION ALL ");
}

let alertNumber = 0;

/** An alert with an id of its own. */
export function alertOf(changes: Partial<Alert> = {}): Alert {
  alertNumber += 1;
  return {
    id: `alert-${alertNumber}`,
    revision: 1,
    status: "raised",
    kind: "flash-sale",
    severity: "medium",
    title: `Alert ${alertNumber}`,
    userId: null,
    productId: "p1",
    orderId: null,
    eventTime: 1_700_000_000_000,
    windowStart: 1_699_999_400_000,
    windowEnd: 1_700_000_000_000,
    figures: { views: 120, purchases: 1, note: "few" },
    ...changes,
  };
}

export function taskOf(changes: Partial<TaskStatus> = {}): TaskStatus {
  return {
    taskId: "events-0",
    state: "running",
    error: null,
    inputs: [{ topic: "customer-events", partition: 0, position: 90, endOffset: 100, lag: 10 }],
    watermarkMs: 1_700_000_000_000,
    epoch: 7,
    checkpointedAt: 1_700_000_001_000,
    events: { processed: 90, refused: 1, duplicates: 2, late: 3, tooLate: 4 },
    ...changes,
  };
}
