import { ensureTables } from "../../lakehouse/index.ts";
import { utf8Decoder } from "../../schema/index.ts";
import { type Checkpoint, SeededRandom } from "../../stream/index.ts";
import { loadConfig } from "../config/index.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { type PlatformConfig, platformConfig } from "../platform/platform-config.ts";
import { assignTasks, platformTopics } from "../platform/topics.ts";
import { Cluster, type ClusterCounts, RESTART_MS_MAX } from "./cluster.ts";
import { calmFaults, noFaults } from "./faults.ts";
import { produceInput } from "./input.ts";
import { readFiles } from "./lake-rows.ts";
import { differences, type Outcome, readOutcome, staleHotKeys } from "./outcome.ts";
import { SimulatedProcess } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { diesAt, Storm, stormFaults } from "./storm.ts";
import { Trace } from "./trace.ts";
import { World } from "./world.ts";

const START_MS = Date.UTC(2026, 0, 6);
/** A day before: no event is in the future of any process's clock. */
const EVENTS_FROM_MS = START_MS - 86_400_000;
const CUSTOMER_EVENTS = 2_000;
/** Virtual time that a run may take after its last fault. */
const DRAIN_MS_MAX = 600_000;
const DRAIN_POLL_MS = 500;
const RUN_MS_MAX = 3_600_000;

export interface Run {
  readonly outcome: Outcome;
  readonly counts: ClusterCounts;
  readonly world: World;
  /** Of everything that happened. */
  readonly digest: string;
  readonly virtualMs: number;
}

export interface SeedResult {
  /** How the faulted run differs from the calm one; empty where all is well. */
  readonly problems: readonly string[];
  /** Hot values that a process left behind its successor's: known, and no failure. */
  readonly staleHot: number;
  readonly faulted: Run;
  readonly calm: Run;
}

/** One input, run in calm and in storm. */
export async function simulateSeed(seed: number, write?: (line: string) => void): Promise<SeedResult> {
  const calm = await runOnce(seed, "calm");
  const faulted = await runOnce(seed, "storm", write);
  const staleHot = staleHotKeys(calm.outcome, faulted.world);
  const problems = differences(calm.outcome, faulted.outcome, staleHot);
  return {
    problems: [...calm.outcome.problems.map((text) => `without faults: ${text}`), ...problems],
    staleHot: staleHot.size,
    faulted,
    calm,
  };
}

/** Runs the seed's input to its end. */
export async function runOnce(
  seed: number,
  weather: "calm" | "storm",
  write?: (line: string) => void,
): Promise<Run> {
  const simulation = new Simulation(seed, weather, write);
  return simulation.run();
}

class Simulation {
  private readonly seed: number;
  private readonly weather: "calm" | "storm";
  private readonly scheduler: Scheduler;
  private readonly world: World;
  private readonly config: PlatformConfig;
  /** What the input and the configuration follow from, in calm and in storm. */
  private readonly plan: SeededRandom;
  private readonly cluster: Cluster;
  private stormy = false;

  constructor(seed: number, weather: "calm" | "storm", write?: (line: string) => void) {
    this.seed = seed;
    this.weather = weather;
    this.plan = new SeededRandom(seed, 202);
    this.scheduler = new Scheduler(seed, START_MS);
    this.world = new World({ scheduler: this.scheduler, trace: new Trace(write ?? null), faults: noFaults });
    this.config = seededConfig(this.plan);
    this.cluster = new Cluster(
      this.world,
      this.config,
      (point) => this.stormy && diesAt(this.scheduler, point),
    );
  }

  async run(): Promise<Run> {
    const { scheduler, world, cluster } = this;
    const { network } = world;
    await this.prepare();
    network.faults = this.weather === "storm" ? stormFaults(scheduler) : calmFaults;
    const storm = new Storm(scheduler, cluster, () => this.assign());
    for (const taskIds of assignTasks(this.config.partitions, 1 + this.plan.below(3))) cluster.start(taskIds);
    if (this.weather === "storm") {
      this.stormy = true;
      storm.begin();
    }
    await this.drive(this.produce(), RUN_MS_MAX);
    // The storm goes on for a while over the end of the input.
    await scheduler.pass(scheduler.random.between(0, 6_000));
    network.faults = calmFaults;
    this.stormy = false;
    storm.end();
    const problems = (await this.drain())
      ? []
      : ["the run does not come to its end: a task makes no progress"];
    network.faults = noFaults;
    const outcome = await this.outcome();
    return {
      outcome: { ...outcome, problems: [...problems, ...cluster.problems, ...outcome.problems] },
      counts: cluster.counts,
      world,
      digest: network.trace.digest(),
      virtualMs: scheduler.nowMs - START_MS,
    };
  }

  /** Topics and tables, before any fault. */
  private async prepare(): Promise<void> {
    const { scheduler, world, config } = this;
    world.log.createTopics(
      platformTopics({ partitions: config.partitions, retentionMs: null, alertRetentionMs: null }),
    );
    const { catalog, objects } = world.connect(new SimulatedProcess("setup", scheduler));
    await this.drive(
      ensureTables(lakeTables, {
        catalog,
        objectStore: objects,
        sleep: () => Promise.resolve(),
        random: () => scheduler.random.unit(),
      }),
      RUN_MS_MAX,
    );
  }

  private produce(): Promise<void> {
    const process = new SimulatedProcess("shop", this.scheduler);
    return produceInput(
      {
        seed: this.seed,
        customerEvents: CUSTOMER_EVENTS,
        partitions: this.config.partitions,
        startTime: EVENTS_FROM_MS,
      },
      this.world.connect(process).log,
      {
        random: this.plan,
        sleep: (ms) => new Promise((resolve) => process.deliverAfter(ms, resolve)),
      },
    );
  }

  /** All tasks on one to three workers, dealt out at random. */
  private assign(): readonly (readonly string[])[] {
    const { random } = this.scheduler;
    const workers: string[][] = Array.from({ length: random.between(1, 3) }, () => []);
    for (const taskId of assignTasks(this.config.partitions, 1).flat()) random.pick(workers).push(taskId);
    return workers.filter((taskIds) => taskIds.length > 0);
  }

  /** Lets the workers process everything and stop; false where they do not come to it. */
  private async drain(): Promise<boolean> {
    const { scheduler, cluster } = this;
    for (const endMs = scheduler.nowMs + DRAIN_MS_MAX; scheduler.nowMs < endMs; ) {
      if (!this.isProcessed()) {
        // Whoever was killed before the stop is back, and sends to those that have stopped.
        const stopped = cluster.stoppedTasks();
        if (stopped.length > 0) cluster.start(stopped);
        await scheduler.pass(DRAIN_POLL_MS);
        continue;
      }
      for (const member of [...cluster.members]) cluster.stop(member);
      await scheduler.runUntil(() => cluster.members.size === 0, endMs);
      // One whose last checkpoint failed is started again meanwhile.
      await scheduler.pass(RESTART_MS_MAX);
      if (cluster.members.size > 0) continue;
      // A stopping worker may have sent panes behind one that had stopped.
      if (this.isProcessed()) return true;
      for (const taskIds of this.assign()) cluster.start(taskIds);
    }
    return false;
  }

  /** Whether a checkpoint of every task lies behind all of its inputs. */
  private isProcessed(): boolean {
    return assignTasks(this.config.partitions, 1)
      .flat()
      .every((taskId) => {
        const inputs = this.newestCheckpoint(taskId)?.inputs;
        return inputs?.every(
          ({ topic, partition, offset }) => offset >= this.world.log.partition(topic, partition).end,
        );
      });
  }

  private newestCheckpoint(taskId: string): Checkpoint | null {
    let newest = "";
    for (const key of this.world.objects.byKey.keys())
      if (key.startsWith(`checkpoints/${taskId}/`) && key.endsWith(".json") && key > newest) newest = key;
    return newest === "" ? null : JSON.parse(utf8Decoder.decode(this.world.objects.get(newest)));
  }

  private async outcome(): Promise<Outcome> {
    const reader = this.world.connect(new SimulatedProcess("reader", this.scheduler));
    return readOutcome(await this.drive(readFiles(lakeTables, reader), RUN_MS_MAX), this.world);
  }

  /** Lets time pass until the promise is settled. */
  private async drive<T>(promise: Promise<T>, ms: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await new Promise((resolve) => setImmediate(resolve));
    if (!(await this.scheduler.runUntil(() => settled, this.scheduler.nowMs + ms)))
      throw new Error(`seed ${this.seed}: nothing more happens`);
    return promise;
  }
}

/**
 * The second stage no longer waits for a task that fell silent, and what that task sends later than
 * the allowed lateness is too late by design. Event time runs sixty times as fast as time here, so
 * either no silence is long enough, or no lateness too long: then all of it has to be counted.
 */
const PATIENCE = [
  { idleAfterMs: 3_600_000, allowedLatenessMs: 60_000 },
  { idleAfterMs: 400, allowedLatenessMs: 3_600_000 },
  { idleAfterMs: 3_000, allowedLatenessMs: 3_600_000 },
];

/** Small bounds, so that two thousand events pass every one of them. */
function seededConfig(random: SeededRandom): PlatformConfig {
  const flags = {
    partitions: random.between(2, 3),
    checkpointIntervalMs: random.between(800, 4_000),
    checkpointBacklogIntervalMs: random.between(800, 4_000),
    checkpointRecordsMax: random.pick([150, 4_000_000]),
    hotFlushMs: random.pick([5, 50, 400]),
    hotFlushBacklogMs: random.pick([50, 2_000]),
    ...random.pick(PATIENCE),
    fileBytesMax: 65_536,
    flashSaleViewsAbove: 10,
    flashSalePurchasesBelow: 3,
    popularWindowMs: 300_000,
    sessionGapMs: 120_000,
    // Longer than any lateness above.
    funnelWithinMs: 7_200_000,
    inventoryDemandMs: 2_592_000_000,
    propensityThreshold: 0.3,
    propensityRearmBelow: 0.2,
  };
  return platformConfig(loadConfig({ environment: {}, folder: import.meta.dirname, flags }).config);
}
