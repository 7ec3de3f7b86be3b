import { join } from "node:path";
import type { Config } from "../../config/index.ts";
import { againstOracles } from "./against-oracles.ts";
import {
  compareHomes,
  type HomeComparison,
  type LakeReadBy,
  type Reference,
  readReference,
} from "./compare-homes.ts";
import { type Connections, distributedConfig, dropTables } from "./distributed-config.ts";
import { DistributedRun } from "./distributed-run.ts";
import { type Difference, LakeReader } from "./lake-reader.ts";
import type { MatrixRow } from "./matrix-rows.ts";
import { freshFolder, removeFolder } from "./scenario-home.ts";

export interface MatrixOptions {
  readonly connections: Connections;
  /** Customer events of each run. */
  readonly events: number;
  /** Put before the names of topics, objects and hot values. */
  readonly name: string;
  /** Who reads the tables for the comparison. */
  readonly readBy: LakeReadBy;
  /** Hears how far the matrix is. */
  readonly say: (line: string) => void;
}

export interface MatrixResult extends HomeComparison {
  readonly names: readonly string[];
  /** By disturbance: from its end until a record that came right behind it was in the lake, ms. */
  readonly recoveriesMs: readonly number[];
}

const PARTITIONS = 2;
/**
 * Small epochs, so that there are many, but a backlog in larger ones: recovery is not to be the time of
 * committing what came meanwhile a thousand records at a time. A source is never idle, because that is a
 * matter of the wall clock.
 */
const SETTINGS: Partial<Config> = {
  warmSpare: true,
  partitions: PARTITIONS,
  workers: 0,
  checkpointRecordsMax: 10_000,
  checkpointIntervalMs: 200,
  checkpointBacklogIntervalMs: 200,
  idleAfterMs: 3_600_000,
  // The scenario looks at all of it at the end.
  hotTtlMs: 86_400_000,
};
const CHUNK_EVERY_MS = 20;
/** Appended behind a disturbance: its recovery is over when this is in the lake. */
const PROBE_RECORDS = 200;

/** Runs of the same input on real servers, disturbed in many ways, against one that was left alone. */
export class DistributedMatrix {
  readonly reference: Reference;
  private readonly options: MatrixOptions;
  private readonly folder: string;
  private readonly reader: LakeReader;
  private runs = 0;

  private constructor(options: MatrixOptions, folder: string, reader: LakeReader, reference: Reference) {
    this.options = options;
    this.folder = folder;
    this.reader = reader;
    this.reference = reference;
  }

  /** Makes the undisturbed run. */
  static async open(options: MatrixOptions): Promise<DistributedMatrix> {
    const folder = freshFolder("matrix");
    const reader = await LakeReader.open();
    const config = await freshConfig(options, folder, "reference");
    const run = await DistributedRun.open(config, options);
    await run.finish(1);
    return new DistributedMatrix(
      options,
      folder,
      reader,
      await readReference(reader, config, options.readBy),
    );
  }

  close(): void {
    this.reader.close();
    removeFolder(this.folder);
  }

  /** See {@link againstOracles}, of the undisturbed run. */
  againstOracles(): Promise<ReadonlyMap<string, Difference>> {
    return againstOracles(this.reader, configOf(this.options, this.folder, "reference"), "reference");
  }

  /** Disturbs one run by each of the rows in turn, each so many times as a rule, and compares what it holds at the end. */
  async run(rows: readonly MatrixRow[], times: number): Promise<MatrixResult> {
    const seconds = stopwatch();
    const config = await freshConfig(this.options, this.folder, `run-${this.runs++}`);
    const around = rows.length === 1 ? await rows[0].around?.(config) : undefined;
    const run = await DistributedRun.open(around?.config ?? config, this.options);
    const recoveriesMs: number[] = [];
    const timesOf = ({ oftener = 1 }: MatrixRow): number => Math.max(1, Math.round(times * oftener));
    const all = rows.reduce((sum, row) => sum + timesOf(row), 0);
    const share = Math.floor(this.options.events / (all + 1));
    try {
      // Undisturbed: the products, for which the feed waits.
      await run.keepWorkers(1);
      await run.feed.append(PROBE_RECORDS, 0);
      await run.stopWorkers();
      seconds.lap("set-up");
      for (let time = 0; recoveriesMs.length < all; time++) {
        for (const row of rows)
          if (time < timesOf(row)) recoveriesMs.push(await this.disturb(run, row, share));
      }
      seconds.lap("disturbances");
      await run.finish(rows[rows.length - 1].workers);
      seconds.lap("rest of the input");
    } catch (error) {
      await run.close();
      throw error;
    } finally {
      await around?.close();
    }
    const hotValues = rows.some(({ losesHotValues }) => losesHotValues) ? "as far as kept" : "all";
    const { readBy } = this.options;
    const comparison = await compareHomes(this.reader, this.reference, config, { hotValues, readBy });
    const result = { ...comparison, names: rows.map(({ name }) => name), recoveriesMs };
    seconds.lap("comparison");
    this.options.say(`${distributedTable([{ ...result, problems: [] }])}\n(${seconds.text()})`);
    return result;
  }

  private async disturb(run: DistributedRun, row: MatrixRow, share: number): Promise<number> {
    await run.keepWorkers(row.workers, row.crashAt);
    this.options.say(`${row.name}: disturbing`);
    const feeding = run.feed.append(share, CHUNK_EVERY_MS);
    await Promise.all([feeding, row.disturb(run)]);
    const began = performance.now();
    const restarted = run.keepWorkers(row.workers);
    await run.feed.append(PROBE_RECORDS, 0);
    await run.caughtUp();
    const recoveryMs = performance.now() - began;
    this.options.say(`${row.name}: recovered in ${(recoveryMs / 1000).toFixed(1)} s`);
    await restarted;
    if (row.crashAt !== undefined) await run.stopWorkers();
    return recoveryMs;
  }
}

async function freshConfig(options: MatrixOptions, folder: string, run: string): Promise<Config> {
  await dropTables(options.connections.catalogUri);
  return configOf(options, folder, run);
}

function configOf({ name, connections }: MatrixOptions, folder: string, run: string): Config {
  return distributedConfig(join(folder, run), `${name}-${run}`, connections, SETTINGS);
}

/** Where the time of a row goes, for who wants it shorter. */
function stopwatch() {
  const laps: string[] = [];
  let began = performance.now();
  return {
    lap(name: string): void {
      laps.push(`${name} ${((performance.now() - began) / 1000).toFixed(0)} s`);
      began = performance.now();
    },
    text: () => laps.join(", "),
  };
}

/** One line a disturbed run: what it lost and doubled, and its recoveries. */
export function distributedTable(results: readonly MatrixResult[]): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(8);
  const lines = results.map(({ names, recoveriesMs, lost, doubled }) => {
    const sorted = [...recoveriesMs].sort((a, b) => a - b);
    const figures = [sorted.length, lost, doubled].map((n) => String(n).padStart(8)).join("");
    return `${names.join(", ").padEnd(48)}${figures}${seconds(sorted[sorted.length >> 1])}${seconds(sorted[sorted.length - 1])}`;
  });
  return [
    `${"disturbed by".padEnd(48)}   times    lost doubled  median   worst (s to recover)`,
    ...lines,
    ...results.flatMap(({ problems }) => problems),
  ].join("\n");
}
