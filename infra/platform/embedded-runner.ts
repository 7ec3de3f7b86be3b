import { MillraceError } from "../../schema/index.ts";
import type { EventLog, TaskStatus } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import type { WorkMetrics } from "../monitoring/work-metrics.ts";
import { HomeLock } from "./home-lock.ts";
import { committed, drainInOrder } from "./input-ends.ts";
import type { PipelineRunner, PlatformLogger, RunnerReports, StageFigures } from "./pipeline-runner.ts";
import { platformConfig } from "./platform-config.ts";
import { Supervisor } from "./supervisor.ts";
import { assignTasks } from "./topics.ts";

/** Runs the workers on threads of this process, which therefore has the home's lock. */
export class EmbeddedRunner implements PipelineRunner {
  private readonly config: Config;
  private readonly log: EventLog;
  private readonly lock: HomeLock | { readonly heldBy: number | null };
  private readonly logger: PlatformLogger;
  private readonly metrics: WorkMetrics;
  private supervisor: Supervisor | null = null;

  constructor(
    config: Config,
    log: EventLog,
    lock: EmbeddedRunner["lock"],
    { logger, metrics }: RunnerReports,
  ) {
    this.config = config;
    this.log = log;
    this.lock = lock;
    this.logger = logger;
    this.metrics = metrics;
  }

  get runBy(): number | null {
    return this.lock instanceof HomeLock ? null : this.lock.heldBy;
  }

  tasks(): readonly TaskStatus[] {
    return this.supervisor?.tasks() ?? [];
  }

  async refresh(): Promise<void> {}

  stageFigures(): StageFigures {
    return this.supervisor?.stageFigures() ?? { cpuMicros: {}, stateBytes: {} };
  }

  /** Rejects with `home-in-use` where another process runs the workers. */
  async start(): Promise<void> {
    if (this.runBy !== null) {
      throw new MillraceError(
        `${this.config.home} is run by process ${this.runBy} already; stop it, or choose another folder with --home`,
        { code: "home-in-use", origin: "user" },
      );
    }
    if (!(this.lock instanceof HomeLock)) throw new Error("the platform was opened without the home's lock");
    const { partitions, workers } = this.config;
    const config = platformConfig(this.config);
    const data = assignTasks(partitions, workers).map((taskIds, workerIndex) => ({
      config,
      taskIds,
      workerIndex,
    }));
    const supervisor = new Supervisor(data, Date.now, supervisorLog(this.logger, this.metrics));
    this.supervisor = supervisor;
    this.metrics.watch(() => supervisor.loads());
    await supervisor.start();
  }

  async startUnlessRunning(): Promise<void> {
    if (this.runBy === null) await this.start();
  }

  async waitUntilProcessed(): Promise<void> {
    const { supervisor, log } = this;
    const { partitions, kafkaGroup } = this.config;
    if (supervisor !== null) await drainInOrder(log, partitions, (ends) => supervisor.drain(ends));
    else
      await drainInOrder(log, partitions, (ends) =>
        committed(log, kafkaGroup, ends, () => this.requireRunner()),
      );
  }

  async stop(): Promise<void> {
    await this.supervisor?.stop();
  }

  /** Another process is asked through the offsets that it commits: it has to be there. */
  private requireRunner(): void {
    if (this.runBy === null || HomeLock.holder(this.config.home) === this.runBy) return;
    throw new MillraceError(`process ${this.runBy}, which ran ${this.config.home}, has ended`, {
      code: "platform-gone",
      origin: "external",
      retry: true,
    });
  }
}

/** A supervisor's events, logged and counted. */
export function supervisorLog(
  logger: PlatformLogger,
  metrics: WorkMetrics,
): ConstructorParameters<typeof Supervisor>[2] {
  return {
    onWork: (_worker, report) => metrics.add(report),
    onWarning: (worker, message) => logger.warn({ worker }, message),
    onFailure(worker, message, final, code) {
      metrics.workerFailed(code);
      logger.error(
        { worker, final },
        `worker failed${final ? " for good" : ", starting it again"}: ${message}`,
      );
    },
    onStopFailure: (worker, message) =>
      logger.warn(
        { worker },
        `stopped without a last checkpoint; nothing is lost, whoever takes the tasks over works from the one before: ${message}`,
      ),
  };
}
