import { ensureTables, type QueryEngine } from "../../lakehouse/index.ts";
import {
  type AlertBus,
  CheckpointStore,
  type EventLog,
  type HotStore,
  type PipelineStatus,
  type TaskStatus,
} from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { WorkMetrics } from "../monitoring/work-metrics.ts";
import { type Adapters, openAdapters, type QueryLimits, retryEnvironment } from "./adapters.ts";
import { awaitServers } from "./await-servers.ts";
import { DistributedRunner } from "./distributed-runner.ts";
import { EmbeddedRunner } from "./embedded-runner.ts";
import { HomeLock } from "./home-lock.ts";
import { assertLakeMade, assertReadsLake } from "./lake-check.ts";
import { lakeTables } from "./lake-tables.ts";
import type { PipelineRunner, PlatformLogger, StageFigures } from "./pipeline-runner.ts";
import { prepareTopics } from "./prepare-topics.ts";
import { prepareViews } from "./prepare-views.ts";
import { assertSameMoment } from "./same-moment.ts";
import { SpreadNotes } from "./spread-notes.ts";
import { platformTopics } from "./topics.ts";
import { warnOfNewTable } from "./warn-of-new-table.ts";

export type { PlatformLogger } from "./pipeline-runner.ts";

export interface PlatformOptions {
  /** Who will never start any leaves the embedded home's lock to others. */
  readonly runsWorkers?: boolean;
  /**
   * Unless false, a platform that is not there yet is made; else it is an error: `home-missing`, of servers
   * `topic-missing` or `table-missing`.
   */
  readonly makesHome?: boolean;
  /** Who cannot do without the query engine waits for it, too. */
  readonly runsQueries?: boolean;
  /** Its topics keep everything, and the times that records bring: nobody is told that they differ. */
  readonly takesHistory?: boolean;
  /** Of the query engine. */
  readonly queryLimits?: QueryLimits;
  /** How long servers that are down are waited for, ms; by default as {@link awaitServers} does. */
  readonly serversWaitMsMax?: number;
  /** Where the work of its workers is counted, for who serves that. */
  readonly metrics?: WorkMetrics;
}

/** Log, lake, hot store and what runs between them, by mode: the composition root of a command. */
export class Platform implements PipelineStatus {
  readonly config: Config;
  readonly adapters: Adapters;
  readonly log: EventLog;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  readonly queryEngine: QueryEngine;
  private readonly runner: PipelineRunner;
  /** What was opened, closed in reverse. */
  private readonly resources: AsyncDisposableStack;

  private constructor(config: Config, parts: PlatformParts) {
    this.config = config;
    this.adapters = parts.adapters;
    this.log = parts.adapters.log;
    this.hotStore = parts.adapters.hotStore;
    this.alertBus = parts.adapters.alertBus;
    this.queryEngine = parts.queryEngine;
    this.runner = parts.runner;
    this.resources = parts.resources;
  }

  /** Opens the ports, creates topics and tables that are missing, as far as it may. Starts no worker; closes what it opened where it fails. */
  static async open(
    config: Config,
    logger: PlatformLogger,
    options: PlatformOptions = {},
  ): Promise<Platform> {
    const resources = new AsyncDisposableStack();
    try {
      return new Platform(config, await openParts(config, logger, options, resources));
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
  }

  /** The process that already runs the workers of this home, or null. */
  get runBy(): number | null {
    return this.runner.runBy;
  }

  tasks(): readonly TaskStatus[] {
    return this.runner.tasks();
  }

  statusAgeMs(): number {
    return this.runner.statusAgeMs?.() ?? 0;
  }

  /** Brings {@link tasks} up to date where other processes run them. */
  refreshTasks(): Promise<void> {
    return this.runner.refresh();
  }

  stageFigures(): StageFigures {
    return this.runner.stageFigures();
  }

  /** Starts the workers; resolves when their tasks are restored. */
  startWorkers(): Promise<void> {
    return this.runner.start();
  }

  /** As {@link startWorkers}, unless workers of this platform run already, here or in another process. */
  startWorkersUnlessRunning(): Promise<void> {
    return this.runner.startUnlessRunning();
  }

  /** Resolves when every record that the log holds now is processed and published, by whichever process. */
  waitUntilProcessed(): Promise<void> {
    return this.runner.waitUntilProcessed();
  }

  /** Stops the workers after a last checkpoint and closes everything. */
  close(): Promise<void> {
    return this.resources.disposeAsync();
  }
}

interface PlatformParts {
  readonly adapters: Adapters;
  readonly queryEngine: QueryEngine;
  readonly runner: PipelineRunner;
  readonly resources: AsyncDisposableStack;
}

/** In the order in which each needs the one before; the stack closes them the other way round. */
async function openParts(
  config: Config,
  logger: PlatformLogger,
  {
    runsWorkers = true,
    makesHome = true,
    runsQueries = false,
    takesHistory = false,
    queryLimits,
    serversWaitMsMax,
    metrics = new WorkMetrics(),
  }: PlatformOptions,
  resources: AsyncDisposableStack,
): Promise<PlatformParts> {
  const embedded = config.mode === "embedded";
  const warn = (message: string): void => logger.warn({}, message);
  const adapters = await openAdapters(config, Date.now, { warn, makesHome });
  resources.defer(() => adapters.close());
  const lock = embedded ? homeLock(config.home, runsWorkers, resources) : null;
  const queryEngine = adapters.openQueryEngine(queryLimits);
  resources.defer(() => queryEngine.close());
  const { checks, log, catalog, objects: objectStore } = adapters;
  const engine = { server: "the query engine", run: () => queryEngine.query("SELECT 1 AS one", []) };
  const waiting = {
    logger,
    clock: Date.now,
    ...retryEnvironment,
    ...(serversWaitMsMax !== undefined && { waitMsMax: serversWaitMsMax }),
  };
  await awaitServers(runsQueries ? [...checks, engine] : checks, waiting);
  await new SpreadNotes(objectStore).assertWhole();
  if (embedded) await log.createTopics(platformTopics(config));
  else {
    await prepareTopics(config, makesHome, takesHistory ? undefined : warn);
    if (!makesHome) await assertLakeMade(catalog, config);
  }
  const hasRun = await new CheckpointStore(objectStore, "reader").hasAny();
  const onCreated = hasRun ? warnOfNewTable(warn) : () => undefined;
  await ensureTables(lakeTables, { catalog, objectStore, onCreated, ...retryEnvironment });
  if (makesHome) await prepareViews(adapters, config, logger);
  if (runsWorkers) await assertSameMoment(adapters, warn);
  if (runsQueries && !embedded) {
    await awaitServers([{ ...engine, run: () => assertReadsLake(queryEngine, config) }], waiting);
  }
  const reports = { logger, metrics };
  const runner =
    lock !== null
      ? new EmbeddedRunner(config, log, lock, reports)
      : new DistributedRunner(config, adapters, reports);
  resources.defer(() => runner.stop());
  return { adapters, queryEngine, runner, resources };
}

/** The home's lock, given back at the end, or who has it. */
function homeLock(home: string, runsWorkers: boolean, resources: AsyncDisposableStack) {
  if (!runsWorkers) return { heldBy: HomeLock.holder(home) };
  const lock = HomeLock.acquire(home);
  resources.defer(() => {
    if (lock instanceof HomeLock) lock.release();
  });
  return lock;
}
