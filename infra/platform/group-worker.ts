import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError } from "../../schema/index.ts";
import type { TaskMembership } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { WorkMetrics } from "../monitoring/work-metrics.ts";
import { openAdapters, retryEnvironment } from "./adapters.ts";
import { awaitServers } from "./await-servers.ts";
import { supervisorLog } from "./embedded-runner.ts";
import { getReadyBesideOthers } from "./get-ready.ts";
import { GivingWay } from "./giving-way.ts";
import type { PlatformLogger } from "./pipeline-runner.ts";
import { platformConfig } from "./platform-config.ts";
import { prepareTopics } from "./prepare-topics.ts";
import { assertSameMoment } from "./same-moment.ts";
import { type Share, shareChange, standbyPartitions } from "./share-change.ts";
import { SpareThread } from "./spare-thread.ts";
import { SpreadNotes } from "./spread-notes.ts";
import { Supervisor, type SupervisorEvents } from "./supervisor.ts";
import { tasksOfPartition } from "./topics.ts";
import type { WorkerGroup } from "./worker-group.ts";

export interface Group {
  readonly join: () => TaskMembership;
  readonly owners: Pick<WorkerGroup, "ownedPartitions" | "close">;
}

/** A last checkpoint that takes longer is told of. */
const TELL_OF_WAIT_MS = 2_000;

/** Tasks of the partitions on one thread: they publish together. */
interface RunningShare extends Share {
  readonly supervisor: Supervisor;
}

/**
 * A member of the workers' group: runs the tasks of the partitions that the group gives it. They have
 * threads of their own, so that a busy task never keeps the membership from being renewed. What the
 * group takes back ends with a last checkpoint before others take over; what it gives begins beside what
 * runs. Where a member cannot end its tasks (it was killed, or slept), the new owner goes on from the
 * last checkpoint, and this one is fenced.
 */
export class GroupWorker {
  private readonly config: Config;
  private readonly logger: PlatformLogger;
  private readonly group: Group;
  private membership: TaskMembership | null = null;
  private partitions: readonly number[] | null = null;
  private shares: readonly RunningShare[] = [];
  private readonly givingWay = new GivingWay<Supervisor>(Date.now);
  /** For the tasks of a worker that died; null where the settings want none. */
  private readonly spare: SpareThread | null;
  /** For what others give to a process that comes to them: the one to spare is there from then on. */
  private readonly first: SpareThread | null;
  private readonly metrics: WorkMetrics;
  /** Those of the shares whose tasks work. */
  private readonly working = new Set<Supervisor>();
  private failure: MillraceError | null = null;
  private ending: Promise<void> | null = null;

  /** See {@link open}. */
  constructor(config: Config, logger: PlatformLogger, group: Group, metrics = new WorkMetrics()) {
    this.config = config;
    this.logger = logger;
    this.group = group;
    this.metrics = metrics;
    metrics.watch(() => this.shares.flatMap(({ supervisor }) => supervisor.loads()));
    const events = {
      onWarm: () => logger.info({}, "has a warm thread to spare"),
      onStandingBy: (tasks: readonly string[]) => logger.info({ tasks }, "stands by for tasks of others"),
      onWarning: (message: string) => logger.warn({}, message),
      onFailure: (message: string) => logger.warn({}, `the thread to spare failed, trying again: ${message}`),
    };
    const spareThread = () => (config.warmSpare ? new SpareThread(platformConfig(config), events) : null);
    this.spare = spareThread();
    this.first = spareThread();
  }

  /** Resolves when every server can be worked with. */
  static async open(config: Config, logger: PlatformLogger, metrics?: WorkMetrics): Promise<GroupWorker> {
    const warn = (message: string): void => logger.warn({}, message);
    const adapters = await openAdapters(config, Date.now, { warn });
    try {
      const topics = { server: "Kafka's topics", run: () => prepareTopics(config, false) };
      const { checks, writerChecks = [] } = adapters;
      await awaitServers([...checks, ...writerChecks, topics], {
        logger,
        clock: Date.now,
        ...retryEnvironment,
      });
      await new SpreadNotes(adapters.objects).assertWhole();
      await assertSameMoment(adapters, warn);
    } finally {
      await adapters.close();
    }
    const { joinWorkers, WorkerGroup } = await import("./worker-group.ts");
    const owners = new WorkerGroup(config);
    return new GroupWorker(config, logger, { join: () => joinWorkers(config, warn), owners }, metrics);
  }

  /**
   * Joins the group and runs what it gives, until {@link stop}; calls back whenever tasks that it was given work, the
   * first time also where it was given none. Rejects where the tasks fail again and again, or the group fails:
   * whoever restarts the process has the next try. Then nothing of it runs any more.
   */
  async run(onReady: () => void): Promise<void> {
    const standby = await this.getReady();
    if (this.ending === null) {
      this.membership = this.group.join();
      this.membership.standBy(standby);
      try {
        for await (const { partitions } of this.membership.assignments) {
          if (this.ending === null) await this.take(partitions, onReady);
        }
      } catch (error) {
        // Out of the group, its tasks would take themselves back from their next owner.
        await this.stop();
        throw error;
      }
    }
    await this.ending;
    if (this.failure !== null) throw this.failure;
  }

  /** Tasks that it has been given. */
  get taskIds(): string[] {
    return this.shares.flatMap(({ partitions }) => partitions.flatMap(tasksOfPartition));
  }

  /** What it waits for before it does all that the group has given it, for a person; empty where it does. */
  waitingFor(): string[] {
    if (this.ending !== null) return ["it stops"];
    if (this.partitions === null) return ["the group has not given it its share of the tasks yet"];
    return this.shares
      .filter(({ supervisor }) => !this.working.has(supervisor))
      .map(({ partitions }) => `its tasks of partition ${partitions.join(", ")} do not work yet`);
  }

  /**
   * Stops after a last checkpoint, then leaves: the others take over at once. Where servers are down, it stops
   * without one when the time that the settings give for it is over.
   */
  stop(): Promise<void> {
    this.ending ??= this.end();
    return this.ending;
  }

  private async end(): Promise<void> {
    const { stopWithinMs } = this.config;
    const tasks = this.taskIds;
    const seconds = stopWithinMs / 1000;
    const telling = setTimeout(() => {
      this.logger.info({ tasks }, `waits for a last checkpoint of its tasks, ${seconds} s in all at most`);
    }, TELL_OF_WAIT_MS);
    // Where it still gets ready beside others, it waits for no answer about them.
    this.group.owners.close();
    await Promise.all([this.stopTasks(stopWithinMs), this.spare?.close(), this.first?.close()]);
    clearTimeout(telling);
    await this.membership?.leave();
  }

  /** Resolves to the partitions that it is ready for. */
  private async getReady(): Promise<readonly number[]> {
    const { spare, first } = this;
    const { owners } = this.group;
    if (spare === null || first === null) return [];
    try {
      return await getReadyBesideOthers({
        first,
        spare,
        ownedPartitions: () => owners.ownedPartitions(),
        most: this.config.standbyTasks,
        isOver: () => this.ending !== null,
        clock: Date.now,
        sleep,
      });
    } catch {
      // Joining tells what is wrong with the group.
      return [];
    } finally {
      owners.close();
    }
  }

  private async take(partitions: readonly number[], onReady: () => void): Promise<void> {
    if (this.partitions !== null && String(partitions) === String(this.partitions)) return;
    this.partitions = partitions;
    this.logger.info({ tasks: partitions.flatMap(tasksOfPartition) }, "has its share of the tasks");
    const { staying, ending, beginning } = shareChange(this.shares, partitions);
    await Promise.all(ending.map(({ supervisor }) => supervisor.stop()));
    for (const { supervisor } of ending) this.working.delete(supervisor);
    // Asked to stop meanwhile, it must not begin anything that nobody would end.
    if (this.ending !== null) return;
    const begun = beginning.length === 0 ? [] : [this.supervise(beginning, staying.length, onReady)];
    this.shares = [...staying, ...begun];
    this.givingWay.changeTo(this.shares.map(({ supervisor }) => supervisor));
    if (begun.length === 0) onReady();
    for (const { supervisor } of begun) {
      // Not waited for: a change may come while it restores. A failure is logged, and tried again.
      supervisor.start().catch(() => undefined);
      // It has taken that thread, if there was one.
      void this.first?.close();
    }
    this.standBy(partitions);
  }

  /** To be called behind the start of what the spare thread may have the state of. */
  private standBy(own: readonly number[]): void {
    // A newcomer waits for what others give up, and goes on with what it expects.
    if (this.spare === null || own.length === 0) return;
    const { partitions, standbyTasks: most } = this.config;
    const standby = standbyPartitions(own, { partitions, most });
    this.spare.follow(standby.flatMap(tasksOfPartition));
    this.membership?.standBy(standby);
  }

  private supervise(partitions: readonly number[], workerIndex: number, onReady: () => void): RunningShare {
    const taskIds = partitions.flatMap(tasksOfPartition);
    const { onFailure, ...events } = supervisorLog(this.logger, this.metrics);
    const data = { config: platformConfig(this.config), taskIds, workerIndex };
    const handlers: SupervisorEvents = {
      ...events,
      onCaughtUp: (worker, tasks) => {
        this.logger.info({ worker, tasks }, "has caught up with its tasks");
        this.givingWay.caughtUp(supervisor);
      },
      onReady: (worker, tasks, ms) => {
        this.logger.info({ worker, tasks, ms }, "works on its tasks");
        this.spare?.startSoon();
        this.working.add(supervisor);
        onReady();
      },
      onFailure: (worker, message, final, code) => {
        this.working.delete(supervisor);
        onFailure(worker, message, final, code);
        if (final) this.fail(message);
      },
    };
    const spare = { take: () => this.first?.take() ?? this.spare?.take() ?? null };
    const supervisor = new Supervisor([data], Date.now, handlers, { spare });
    return { partitions, supervisor };
  }

  private fail(message: string): void {
    if (this.ending !== null) return;
    this.failure = new MillraceError(`the tasks failed again and again, at last with: ${message}`, {
      code: "worker-failed",
      origin: "internal",
    });
    void this.stop();
  }

  private async stopTasks(withinMs: number): Promise<void> {
    await Promise.all(this.shares.map(({ supervisor }) => supervisor.stop(withinMs)));
  }
}
