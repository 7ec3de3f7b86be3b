import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/index.ts";
import { spawnReplay } from "./run-child.ts";

const DISK_MIB = 64;
const FILLER_BYTES = 1 << 20;
/** How long the disk stays full behind the first complaint: worker threads start again and again meanwhile. */
const FULL_MS = 5_000;

/** A small file system in memory, to be filled and freed. Mounting it takes root. */
export class SmallDisk {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", folder]);
  }

  fill(): void {
    const filler = openSync(this.filler, "w");
    const bytes = Buffer.alloc(FILLER_BYTES);
    try {
      for (;;) writeSync(filler, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(filler);
    }
  }

  free(): void {
    rmSync(this.filler);
  }

  /** A platform's home on it. */
  get home(): string {
    return join(this.folder, "home");
  }

  remove(): void {
    execFileSync("umount", [this.folder]);
  }

  private get filler(): string {
    return join(this.folder, "filler");
  }
}

export interface FullDiskRun {
  /** What the platform said while its disk was full. */
  readonly complaints: string;
  /** From the moment when there was room again until all input was processed and published. */
  readonly recoveryMs: number;
}

/** Replays with a home on the disk, which is full for a while as soon as the workers run. */
export async function replayOnFullDisk(disk: SmallDisk, settings: Partial<Config>): Promise<FullDiskRun> {
  const child = spawnReplay({ home: disk.home, settings, backlog: true });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  let complaints = "";
  const complained = new Promise<void>((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
      resolve();
    });
  });
  await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  disk.fill();
  await Promise.race([complained, ended]);
  await sleep(FULL_MS);
  disk.free();
  const freedAt = performance.now();
  const end = await ended;
  if (end !== 0) throw new Error(`the replay on a full disk ended with ${end}:\n${complaints}`);
  return { complaints, recoveryMs: performance.now() - freedAt };
}
