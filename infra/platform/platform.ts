import { ensureTables, type QueryEngine } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import type { AlertBus, EventLog, HotStore, TaskStatus } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { type Adapters, openAdapters, openQueryEngine, retryEnvironment } from "./adapters.ts";
import { HomeLock } from "./home-lock.ts";
import { lakeTables } from "./lake-tables.ts";
import type { InputEnd } from "./messages.ts";
import { CONSUMER_GROUP, type PlatformConfig, platformConfig } from "./platform-config.ts";
import { Supervisor } from "./supervisor.ts";
import { ALERTS_TOPIC, assignTasks, PANE_TOPIC, platformTopics } from "./topics.ts";

export interface PlatformLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const DRAIN_POLL_MS = 100;

/** The embedded platform on one home folder: log, lake, hot store, and the workers between them. */
export class Platform {
  readonly config: Config;
  readonly log: EventLog;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  readonly queryEngine: QueryEngine;
  readonly adapters: Adapters;
  private readonly platformConfig: PlatformConfig;
  private readonly logger: PlatformLogger;
  private readonly lock: HomeLock | { readonly heldBy: number | null };
  private supervisor: Supervisor | null = null;

  private constructor(config: Config, adapters: Adapters, lock: Platform["lock"], logger: PlatformLogger) {
    this.config = config;
    this.platformConfig = platformConfig(config);
    this.adapters = adapters;
    this.log = adapters.log;
    this.hotStore = adapters.hotStore;
    this.alertBus = adapters.alertBus;
    this.queryEngine = openQueryEngine(adapters);
    this.lock = lock;
    this.logger = logger;
  }

  /**
   * Opens the home folder, creates topics and tables that are missing. Starts no worker. Who will
   * never start any (`runsWorkers` false) leaves the home's lock to others.
   */
  static async open(
    config: Config,
    logger: PlatformLogger,
    { runsWorkers = true }: { readonly runsWorkers?: boolean } = {},
  ): Promise<Platform> {
    const lock = runsWorkers ? HomeLock.acquire(config.home) : { heldBy: HomeLock.holder(config.home) };
    let adapters: Adapters | null = null;
    try {
      adapters = openAdapters(config.home, Date.now);
      await adapters.log.createTopics(platformTopics(config));
      const { catalog, objects: objectStore } = adapters;
      await ensureTables(lakeTables, { catalog, objectStore, ...retryEnvironment });
      return new Platform(config, adapters, lock, logger);
    } catch (error) {
      await adapters?.close();
      if (lock instanceof HomeLock) lock.release();
      throw error;
    }
  }

  /** The process that already runs the workers of this home, or null. */
  get runBy(): number | null {
    return this.lock instanceof HomeLock ? null : this.lock.heldBy;
  }

  tasks(): readonly TaskStatus[] {
    return this.supervisor?.tasks() ?? [];
  }

  /** CPU time by stage, microseconds; empty unless `measureStages` is set. */
  cpuMicrosByStage(): Record<string, number> {
    return this.supervisor?.cpuMicrosByStage() ?? {};
  }

  /** Starts the workers; resolves when their tasks are restored. Rejects where another process runs them. */
  async startWorkers(): Promise<void> {
    if (this.runBy !== null) {
      throw new MillraceError(
        `${this.config.home} is run by process ${this.runBy} already; stop it, or choose another folder with --home`,
        { code: "home-in-use", origin: "user" },
      );
    }
    if (!(this.lock instanceof HomeLock)) throw new Error("the platform was opened without the home's lock");
    const { partitions, workers } = this.config;
    const data = assignTasks(partitions, workers).map((taskIds, workerIndex) => ({
      config: this.platformConfig,
      taskIds,
      workerIndex,
    }));
    this.supervisor = new Supervisor(data, Date.now, {
      onWarning: (worker, message) => this.logger.warn({ worker }, message),
      onFailure: (worker, message, final) =>
        this.logger.error(
          { worker, final },
          `worker failed${final ? " for good" : ", starting it again"}: ${message}`,
        ),
    });
    await this.supervisor.start();
  }

  /**
   * Resolves when every record that the log holds now is processed and published. Where another
   * process runs the workers, it is asked through the offsets that it commits.
   */
  async waitUntilProcessed(): Promise<void> {
    const isPane = (end: InputEnd): boolean => end.topic === PANE_TOPIC;
    if (this.supervisor === null) {
      await this.committed((await this.ends()).filter((end) => !isPane(end)));
      await this.committed((await this.ends()).filter(isPane));
      return;
    }
    await this.supervisor.drain((await this.ends()).filter((end) => !isPane(end)));
    // The first stage has written its panes now: the second stage can come to their end.
    await this.supervisor.drain((await this.ends()).filter(isPane));
  }

  /** Stops the workers after a last checkpoint and closes everything. */
  async close(): Promise<void> {
    await this.supervisor?.stop();
    await this.queryEngine.close();
    await this.adapters.close();
    if (this.lock instanceof HomeLock) this.lock.release();
  }

  /** End offsets of every input topic, panes included. */
  private async ends(): Promise<InputEnd[]> {
    const ends: InputEnd[] = [];
    for (const { name, partitions } of platformTopics(this.config)) {
      if (name === ALERTS_TOPIC) continue;
      for (let partition = 0; partition < partitions; partition++) {
        ends.push({ topic: name, partition, offset: (await this.log.offsets(name, partition)).end });
      }
    }
    return ends;
  }

  private async committed(ends: readonly InputEnd[]): Promise<void> {
    for (const { topic, partition, offset } of ends) {
      if (offset === 0) continue;
      while (((await this.log.committedOffset(CONSUMER_GROUP, topic, partition)) ?? 0) < offset) {
        if (this.runBy !== null && HomeLock.holder(this.config.home) !== this.runBy) {
          throw new MillraceError(`process ${this.runBy}, which ran ${this.config.home}, has ended`, {
            code: "platform-gone",
            origin: "external",
            retry: true,
          });
        }
        await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
      }
    }
  }
}
