import { join } from "node:path";
import { SeededRandom } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { againstOracles } from "./against-oracles.ts";
import { compareHomes, type HomeComparison, type Reference, readReference } from "./compare-homes.ts";
import { type FullDiskRun, replayOnFullDisk, SmallDisk } from "./full-disk.ts";
import { type Difference, LakeReader } from "./lake-reader.ts";
import { type ChildEnd, runChild } from "./run-child.ts";
import { freshFolder, removeFolder, scenarioConfig } from "./scenario-home.ts";

/** One kill, and what came after it. */
export interface Kill {
  /** A point of the checkpoint protocol, or `random:MS` after the start. */
  readonly point: string;
  /** Runs with kills in one home are compared together, at the end. */
  readonly home: number;
  /** How far the killed run had come. */
  readonly reached: ChildEnd["reached"];
  /** Time from the start of the next run until its workers went on. */
  readonly recoveryMs: number;
}

export interface CrashedHome extends HomeComparison {
  readonly kills: readonly Kill[];
}

const PARTITIONS = 2;
/** Small epochs, so that there are many; a source is never idle, because that is a matter of the wall clock. */
const SETTINGS: Partial<Config> = {
  partitions: PARTITIONS,
  checkpointRecordsMax: 1500,
  checkpointIntervalMs: 200,
  idleAfterMs: 3_600_000,
};
/** Worker threads of the homes, in turn: the same result, however the tasks are spread. */
const WORKERS = [1, 2];
/** A random kill comes within this time of the start: a whole run takes about twice as long. */
const KILL_AFTER_MS_MAX = 2000;
const KILL_AFTER_MS_MIN = 150;
/** Random kills in one home: the checkpoint chain is as long, and then it is compared. */
const RANDOM_KILLS_PER_HOME = 13;

/** Kills replays and compares what their homes hold after the restarts with an unkilled run's. */
export class CrashMatrix {
  readonly reference: Reference;
  private readonly folder: string;
  private readonly reader: LakeReader;
  private homes = 0;

  private constructor(folder: string, reader: LakeReader, reference: Reference) {
    this.folder = folder;
    this.reader = reader;
    this.reference = reference;
  }

  /** Makes the unkilled run. */
  static async open(): Promise<CrashMatrix> {
    const folder = freshFolder("crash");
    const reader = await LakeReader.open();
    const home = join(folder, "reference");
    await runChild({ home, settings: SETTINGS });
    return new CrashMatrix(folder, reader, await readReference(reader, scenarioConfig(home, SETTINGS)));
  }

  close(): void {
    this.reader.close();
    removeFolder(this.folder);
  }

  /** See {@link againstOracles}, of the unkilled run. */
  againstOracles(): Promise<ReadonlyMap<string, Difference>> {
    return againstOracles(this.reader, scenarioConfig(join(this.folder, "reference"), SETTINGS), "reference");
  }

  /** A replay into a home whose disk is full for a while; takes root. */
  async fillDisk(): Promise<HomeComparison & FullDiskRun> {
    const disk = new SmallDisk(join(this.folder, "disk"));
    try {
      const run = await replayOnFullDisk(disk, SETTINGS);
      const config = scenarioConfig(disk.home, SETTINGS);
      return { ...run, ...(await compareHomes(this.reader, this.reference, config)) };
    } finally {
      disk.remove();
    }
  }

  /** Every named point of the checkpoint protocol, with the publishing of every table that gets rows. */
  points(): string[] {
    const tables = [...this.reference.rows].filter(([, rows]) => rows > 0).map(([table]) => table);
    return [
      "before-stage",
      "after-stage",
      // Three tasks are prepared one after another: a kill between two leaves one ahead of the others.
      ...["before-prepare", "before-prepare#2", "after-prepare", "after-prepare#2", "after-prepare#3"],
      ...tables.flatMap((table) => [`before-publish:${table}`, `after-publish:${table}`]),
      "before-offset-commit",
      "after-offset-commit",
    ];
  }

  /**
   * Kills at each point once, up to `killsPerHome` times in the same home, then lets that run to its
   * end and compares. A point that a started home does not reach any more gets a fresh one; rejects
   * where a fresh one does not reach it either.
   */
  async killAtPoints(points: readonly string[], killsPerHome: number): Promise<CrashedHome[]> {
    // Mixed, so that the next kill of a home does not always fall into the recovery from the one before.
    const left = shuffled(points, new SeededRandom(1));
    const homes: CrashedHome[] = [];
    while (left.length > 0) {
      const run = new HomeRun(join(this.folder, `home-${this.homes}`), this.homes++);
      while (run.kills.length < killsPerHome && left.length > 0) {
        const killed = await run.start({ crashAt: left[0] }, left[0]);
        if (!killed) break;
        left.shift();
      }
      if (run.kills.length === 0) throw new Error(`no run came to the point ${left[0]}`);
      homes.push(await this.finish(run));
    }
    return homes;
  }

  /** Kills at moments drawn from the seed, again and again in one home until it comes to its end. */
  async killAtRandom(kills: number, seed: number): Promise<CrashedHome[]> {
    const random = new SeededRandom(seed);
    const homes: CrashedHome[] = [];
    for (let left = kills; left > 0; ) {
      const run = new HomeRun(join(this.folder, `home-${this.homes}`), this.homes++);
      for (let alive = true; alive && left > 0 && run.kills.length < RANDOM_KILLS_PER_HOME; ) {
        const killAfterMs = random.between(KILL_AFTER_MS_MIN, KILL_AFTER_MS_MAX);
        alive = await run.start({ killAfterMs }, `random:${killAfterMs}`);
        if (alive) left--;
      }
      homes.push(await this.finish(run));
    }
    return homes;
  }

  private async finish(run: HomeRun): Promise<CrashedHome> {
    if (!run.done && (await run.start({}, ""))) throw new Error("an unkilled run was killed");
    const comparison = await compareHomes(this.reader, this.reference, scenarioConfig(run.home, SETTINGS));
    // The home of a failed comparison stays, for whoever looks for the cause.
    if (comparison.problems.length === 0) removeFolder(run.home);
    return { ...comparison, kills: run.kills };
  }
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [mixed[i], mixed[other]] = [mixed[other], mixed[i]];
  }
  return mixed;
}

/** The runs in one home, one after another. */
class HomeRun {
  readonly home: string;
  readonly kills: Kill[] = [];
  done = false;
  private readonly number: number;

  constructor(home: string, number: number) {
    this.home = home;
    this.number = number;
  }

  /** Starts the next run; true where it was killed. */
  async start(end: { crashAt?: string; killAfterMs?: number }, point: string): Promise<boolean> {
    const settings = { ...SETTINGS, workers: WORKERS[this.number % WORKERS.length] };
    // Once in a home, a restart finds all input at once instead of little by little.
    const backlog = this.kills.length === 1 + (this.number % 3);
    const run = await runChild({ home: this.home, settings, backlog, ...end });
    const before = this.kills.at(-1);
    if (before !== undefined && run.readyMs !== null && Number.isNaN(before.recoveryMs)) {
      this.kills[this.kills.length - 1] = { ...before, recoveryMs: run.readyMs };
    }
    this.done = !run.killed;
    if (run.killed)
      this.kills.push({ point, home: this.number, reached: run.reached, recoveryMs: Number.NaN });
    return run.killed;
  }
}

/** One line a kill: point, what its home lost and doubled, and the time of the recovery. */
export function matrixTable(homes: readonly CrashedHome[]): string {
  const lines = homes.flatMap(({ kills, lost, doubled }) =>
    kills.map(({ point, home, reached, recoveryMs }) =>
      [
        point.padEnd(44),
        String(home).padStart(5),
        (reached || "start").padStart(9),
        String(lost).padStart(6),
        String(doubled).padStart(8),
        (Number.isNaN(recoveryMs) ? "killed" : recoveryMs.toFixed(0)).padStart(12),
      ].join(""),
    ),
  );
  return [
    `${"killed at".padEnd(44)} home  reached  lost doubled recovery ms`,
    ...lines,
    ...homes.flatMap(({ problems }) => problems),
  ].join("\n");
}

if (import.meta.main) {
  const [randomKills = "50", seed = "1", killsPerHome = "1"] = process.argv.slice(2);
  const matrix = await CrashMatrix.open();
  try {
    const homes = [
      ...(await matrix.killAtPoints(matrix.points(), Number(killsPerHome))),
      ...(await matrix.killAtRandom(Number(randomKills), Number(seed))),
    ];
    console.log(`seed ${seed}\n${matrixTable(homes)}`);
  } finally {
    matrix.close();
  }
}
