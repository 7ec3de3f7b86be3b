import { MillraceError } from "../../schema/index.ts";
import type { Worker } from "../../stream/index.ts";
import type { PlatformConfig } from "../platform/platform-config.ts";
import { createWorker } from "../platform/worker-setup.ts";
import { SimulatedProcess } from "./process.ts";
import { openSetup } from "./setup.ts";
import { Spare } from "./spare.ts";
import { errorName } from "./trace.ts";
import type { World } from "./world.ts";

/** Ends of a worker that faults explain; every other one is a bug. */
const EXPECTED_CODES = new Set([
  "simulated-unavailable",
  "commit-unknown",
  "commit-conflict",
  "task-fenced",
  // A retry below the port finds its own object.
  "precondition-failed",
  // What it wanted to restore from was collected meanwhile, by an owner that went on.
  "object-not-found",
]);
const SKEW_MS_MAX = 3_000;
/** Of the workers that begin while a process stands by, those that it becomes: the others leave it the time to follow. */
const SPARE_SHARE = 0.3;
/** Longest time between the end of a worker and its successor. */
export const RESTART_MS_MAX = 1_500;

export interface Member {
  readonly process: SimulatedProcess;
  readonly taskIds: readonly string[];
  /** What the process did before. */
  readonly spare: Spare | null;
  worker: Worker | null;
  /** Ended by itself, after {@link Worker.stop}. */
  stopped: boolean;
}

export interface ClusterCounts {
  starts: number;
  crashes: number;
  pauses: number;
  /** Owners that found out that another had gone on. */
  fenced: number;
  /** Workers that gave up over what they talk to. */
  failures: number;
}

/** Starts workers as processes, and starts new ones where they end. Who owns a task is whoever was started last for it. */
export class Cluster {
  readonly members = new Set<Member>();
  readonly counts: ClusterCounts = { starts: 0, crashes: 0, pauses: 0, fenced: 0, failures: 0 };
  /** Ends that no fault explains. */
  readonly problems: string[] = [];
  private readonly owners = new Map<string, Member>();
  private spare: Spare | null = null;
  private spares = 0;
  private readonly world: World;
  private readonly config: PlatformConfig;
  /** Whether the process dies at this point of the checkpoint protocol. */
  private readonly diesAt: (point: string) => boolean;

  constructor(world: World, config: PlatformConfig, diesAt: (point: string) => boolean) {
    this.world = world;
    this.config = config;
    this.diesAt = diesAt;
  }

  /** In the process that stands by, now and then, if there is one. */
  start(taskIds: readonly string[]): Member {
    const number = ++this.counts.starts;
    const spare = this.world.network.scheduler.random.chance(SPARE_SHARE) ? this.spare : null;
    if (spare !== null) this.spare = null;
    const process = spare?.process ?? this.newProcess(`w${number}`);
    process.number = number;
    const member: Member = { process, taskIds, spare, worker: null, stopped: false };
    this.note(`${process.name} starts with ${taskIds.join(" ")}`);
    this.members.add(member);
    for (const taskId of taskIds) this.owners.set(taskId, member);
    void this.live(member);
    return member;
  }

  /** Begins a process that keeps up the state of these tasks, unless there is one. */
  standBy(taskIds: readonly string[]): void {
    if (this.spare !== null) return;
    const process = this.newProcess(`s${++this.spares}`);
    this.note(`${process.name} stands by for ${taskIds.join(" ")}`);
    this.spare = new Spare(this.world, this.config, process, taskIds);
  }

  endStandingBy(): void {
    this.spare?.process.kill();
    this.spare = null;
  }

  /** Tasks that nobody runs and nobody will: their worker has stopped. */
  stoppedTasks(): string[] {
    return [...this.owners].filter(([, member]) => member.stopped).map(([taskId]) => taskId);
  }

  isOwner(member: Member): boolean {
    return member.taskIds.some((taskId) => this.owners.get(taskId) === member);
  }

  /** SIGKILL; a new process takes the tasks up after a while. */
  crash(member: Member, why: string): void {
    this.counts.crashes++;
    this.end(member, `is killed ${why}`);
  }

  /** SIGSTOP for so long; its tasks are given to another process meanwhile, or not. */
  pause(member: Member, ms: number, handOverAfterMs: number | null): void {
    const { scheduler } = this.world.network;
    this.counts.pauses++;
    this.note(`${member.process.name} pauses`);
    member.process.pause();
    scheduler.after(ms, () => {
      if (member.process.isPaused) this.note(`${member.process.name} goes on`);
      member.process.resume();
    });
    if (handOverAfterMs !== null) {
      scheduler.after(handOverAfterMs, () => {
        if (member.process.isPaused) this.replace(member);
      });
    }
  }

  /** Has it rest and put its checkpoints off for so long, as beside a thread that takes tasks up. */
  giveWay({ process, worker }: Member, ms: number): void {
    if (worker === null) return;
    this.note(`${process.name} gives way`);
    worker.giveWay(process.clock() + ms);
  }

  /** Asks it to stop after a last checkpoint. */
  stop(member: Member): void {
    if (member.process.isDead) return;
    this.note(`${member.process.name} is asked to stop`);
    if (member.worker === null) this.end(member, "had not begun");
    else member.worker.stop();
  }

  /** Asks it to stop, and has its tasks taken up without waiting for it. */
  stopAndReplace(member: Member): void {
    this.stop(member);
    this.replace(member);
  }

  /** Gives what is still its own to a new process; the old one is not asked. */
  replace(member: Member): void {
    const taskIds = member.taskIds.filter((taskId) => this.owners.get(taskId) === member);
    if (taskIds.length > 0) this.start(taskIds);
  }

  private async live(member: Member): Promise<void> {
    const { process } = member;
    try {
      const worker = await this.createWorker(member);
      await worker.open();
      this.note(`${process.name} is open`);
      member.worker = worker;
      await worker.run();
      if (process.isDead) return;
      member.stopped = true;
      this.end(member, "has stopped");
    } catch (error) {
      if (process.isDead) return;
      this.judge(process, error);
      this.end(member, `fails: ${errorName(error)}`);
    }
  }

  private judge(process: SimulatedProcess, error: unknown): void {
    const code = error instanceof MillraceError ? error.code : "";
    if (code === "task-fenced") this.counts.fenced++;
    else if (EXPECTED_CODES.has(code)) this.counts.failures++;
    else this.problems.push(`${process.name} ended: ${error instanceof Error ? error.stack : error}`);
  }

  private end(member: Member, how: string): void {
    if (member.process.isDead) return;
    const { scheduler } = this.world.network;
    this.note(`${member.process.name} ${how}`);
    member.process.kill();
    this.members.delete(member);
    if (!member.stopped)
      scheduler.after(scheduler.random.unit() * RESTART_MS_MAX, () => this.replace(member));
  }

  private newProcess(name: string): SimulatedProcess {
    const { scheduler } = this.world.network;
    return new SimulatedProcess(name, scheduler, {
      skewMs: scheduler.random.between(-SKEW_MS_MAX, SKEW_MS_MAX),
    });
  }

  private async createWorker(member: Member): Promise<Worker> {
    const { process, taskIds, spare } = member;
    const opened = await (spare?.ended() ?? openSetup(this.world, this.config, process));
    return createWorker({ ...opened, taskIds, onPoint: (point) => this.onPoint(member, point) });
  }

  private onPoint(member: Member, point: string): void {
    const { process } = member;
    if (!process.isDead) {
      this.note(`${process.name} at ${point}`);
      if (!this.diesAt(point)) return;
      this.crash(member, `at ${point}`);
    }
    // Nothing behind this may run; what it throws is seen by nobody, for the process is dead.
    throw new Error(`${process.name} is dead`);
  }

  private note(what: string): void {
    const { trace, scheduler } = this.world.network;
    trace.note(scheduler.nowMs, what);
  }
}
