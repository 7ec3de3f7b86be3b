import type {
  Catalog,
  MaintenanceReport,
  ObjectStore,
  QueryEngine,
  StagedCommit,
  ViewCatalog,
} from "../../lakehouse/index.ts";
import type { WriterSchemas } from "../../schema/index.ts";
import {
  type AlertBus,
  CheckpointStore,
  type EventLog,
  type HotStore,
  type SchemaSource,
} from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import type { ServerCheck } from "./await-servers.ts";

export interface MaintenanceRun {
  /** Merge all small files of each day; Trino always does. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
}

/** Longest time of one query, ms; by default that of an answer that somebody waits for. */
export interface QueryLimits {
  readonly queryMsMax?: number;
}

/** For what reads the history of a lake: of a large one, a query takes minutes. */
export const HISTORY_QUERIES: Required<QueryLimits> = { queryMsMax: 3_600_000 };

/**
 * The ports of one thread or process, opened by mode. Nothing behind this knows which adapters stand
 * here; threads and processes share what the adapters reach, not the adapters.
 */
export interface Adapters {
  readonly log: EventLog;
  /** What schema ids of Avro records mean; with a registry, see `withRegistrySchemas`. */
  readonly schemas: WriterSchemas;
  /** Where ids that they lack are looked up; readers of the log do so by themselves. */
  readonly schemaSource: SchemaSource;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  readonly objects: ObjectStore;
  readonly catalog: Catalog;
  /** Where views are made for other engines; null in embedded mode, of which the query engine alone has views. */
  readonly views: ViewCatalog | null;
  /** Opened when asked for: workers have none. Whoever opens it closes it before these. */
  openQueryEngine(options?: QueryLimits): QueryEngine;
  /** Compacts, expires and cleans every table once; safe beside running workers. */
  maintainLake(run: MaintenanceRun): Promise<readonly MaintenanceReport[]>;
  /** Partitions whose tasks a worker process has now; none in embedded mode, which has no such processes. */
  ownedPartitions(): Promise<readonly number[]>;
  /** What to ask each server before it is relied on; none where there is no server. */
  readonly checks: readonly ServerCheck[];
  /** What else to ask before tasks rely on it; it writes. */
  readonly writerChecks?: readonly ServerCheck[];
  close(): Promise<void>;
}

export interface AdapterOptions {
  /** Hears of failures that an adapter goes on trying to get over. */
  readonly warn?: (message: string) => void;
  /** Of the embedded log: `thread` for a worker, which computes all the time. */
  readonly logWritesOn?: "caller" | "thread";
  /** Unless false, an embedded home that is not there yet is made; else it is an error, `home-missing`. */
  readonly makesHome?: boolean;
  /** Of the embedded lake: memory that a compaction may take. */
  readonly maintenanceMemoryMb?: number;
}

/** Opens the mode's adapters; the libraries of the other mode are not loaded. */
export async function openAdapters(
  config: Config,
  clock: () => number,
  options: AdapterOptions = {},
): Promise<Adapters> {
  if (config.mode === "embedded") {
    const { openEmbeddedAdapters } = await import("./embedded-adapters.ts");
    const { maintenanceMemoryMb } = config;
    return openEmbeddedAdapters(config.home, clock, { ...options, maintenanceMemoryMb });
  }
  const { openDistributedAdapters } = await import("./distributed-adapters.ts");
  return openDistributedAdapters(config, clock, options.warn ?? (() => undefined));
}

/** What maintenance must not take for orphans: files that a killed worker had prepared and not yet published. */
export function preparedCheckpoints(objects: ObjectStore): Promise<readonly StagedCommit[]> {
  // It only reads: the name of an incarnation is for what is written.
  return new CheckpointStore(objects, "reader").newestOfAll();
}

/** What retrying a commit or a connection needs of the outside. */
export const retryEnvironment = {
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};
