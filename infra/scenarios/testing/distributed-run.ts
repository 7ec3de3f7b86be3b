import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HOT_MARKERS, type ShopOptions, wholeTopics } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { consumerGroupsOf } from "../../platform/consumer-groups.ts";
import { committed } from "../../platform/input-ends.ts";
import { Platform } from "../../platform/platform.ts";
import { tasksOfPartition } from "../../platform/topics.ts";
import { environmentOf } from "../../platform/worker-processes.ts";
import { CrashFeed } from "./crash-feed.ts";

const ENTRY = fileURLToPath(new URL("../../platform/worker-process.ts", import.meta.url));
const LINES_KEPT = 40;
const POLL_MS = 100;

/** A worker process that may be treated badly. */
export class WorkerChild {
  /** Resolves when it has restored its first tasks. */
  readonly ready: Promise<void>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  alive = true;
  private readonly child: ChildProcess;
  private readonly lines: string[] = [];

  constructor(config: Config, crashAt: string) {
    this.child = fork(ENTRY, {
      env: {
        ...process.env,
        ...environmentOf(config),
        // Compiled sources are kept between the many starts, each of which would take a second longer.
        NODE_COMPILE_CACHE: join(tmpdir(), "millrace-compile-cache"),
        MILLRACE_CRASH_AT: crashAt,
      },
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.lines.push(...text.trim().split("\n"));
      this.lines.splice(0, this.lines.length - LINES_KEPT);
    });
    this.ready = new Promise((resolve) => this.child.once("message", () => resolve()));
    this.ended = once(this.child, "exit").then(([code, signal]) => {
      this.alive = false;
      return (signal ?? code) as number | NodeJS.Signals;
    });
  }

  /** The last lines of its log. */
  get log(): string {
    return this.lines.join("\n");
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

export interface RunInput {
  /** Customer events. */
  readonly events: number;
  /** By default the shop of the crash runs. */
  readonly shop?: Partial<ShopOptions>;
}

/** A platform on servers, its workers, and the input that it gets a share at a time. */
export class DistributedRun {
  readonly config: Config;
  readonly platform: Platform;
  readonly feed: CrashFeed;
  private workers: WorkerChild[] = [];

  private constructor(config: Config, platform: Platform, input: RunInput) {
    this.config = config;
    this.platform = platform;
    const { partitions } = config;
    const productsSeen = () => this.productsSeen();
    this.feed = new CrashFeed(platform.log, { ...input, partitions, productsSeen });
  }

  static async open(config: Config, input: RunInput): Promise<DistributedRun> {
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return new DistributedRun(config, await Platform.open(config, quiet), input);
  }

  /** Starts what is missing of so many workers; resolves when these have restored their tasks, or ended. */
  async keepWorkers(count: number, crashAt = ""): Promise<void> {
    const missing = count - this.running.length;
    const started = Array.from({ length: missing }, () => new WorkerChild(this.config, crashAt));
    this.workers = [...this.running, ...started];
    await Promise.all(started.map(({ ready, ended }) => Promise.race([ready, ended])));
  }

  /** The first that {@link keepWorkers} kept or started; it may have ended. */
  get first(): WorkerChild {
    return this.workers[0];
  }

  get running(): readonly WorkerChild[] {
    return this.workers.filter(({ alive }) => alive);
  }

  /** Resolves when everything that the inputs hold now is processed, checkpointed and published. */
  async caughtUp(): Promise<void> {
    const { log } = this.platform;
    const ends = await Promise.all(
      Array.from({ length: this.config.partitions }, async (_, partition) => {
        const { end } = await log.offsets("customer-events", partition);
        return { topic: "customer-events", partition, offset: end };
      }),
    );
    await committed(log, this.config.kafkaGroup, ends);
  }

  private async productsSeen(): Promise<void> {
    const { log } = this.platform;
    const groupsOf = consumerGroupsOf(this.config);
    for (const topic of wholeTopics) {
      for (let partition = 0; partition < this.config.partitions; partition++) {
        const { end } = await log.offsets(topic, partition);
        for (const group of groupsOf(topic, partition))
          await committed(log, group, [{ topic, partition, offset: end }]);
      }
    }
  }

  /** Appends the rest and waits for all of it, and for the hot values; then everything is stopped in order. */
  async finish(workers: number): Promise<void> {
    await this.keepWorkers(workers);
    await this.feed.finish();
    await this.platform.waitUntilProcessed();
    await this.hotValuesWhole();
    await this.close();
  }

  /** Resolves when no task has hot values to write again that the store has lost. */
  private async hotValuesWhole(): Promise<void> {
    const tasks = Array.from({ length: this.config.partitions }, (_, p) => tasksOfPartition(p)).flat();
    const { hotStore } = this.platform.adapters;
    const isWhole = async (): Promise<boolean> =>
      (await hotStore.getMany(HOT_MARKERS, tasks)).every((marker) => marker === "whole");
    while (!(await isWhole())) await sleep(POLL_MS);
  }

  /** Ends every worker in order. */
  async stopWorkers(): Promise<void> {
    for (const worker of this.running) {
      worker.signal("SIGTERM");
      await worker.ended;
    }
  }

  async close(): Promise<void> {
    await this.stopWorkers();
    await this.platform.close();
  }
}
