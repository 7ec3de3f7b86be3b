import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolder } from "../tools/make-folder.ts";
import { BenchError } from "./bench-error.ts";

/** The home folders of the runs: temporary and removed one by one, or kept below a given folder. */
export class BenchHomes {
  private readonly base: string;
  private readonly kept: boolean;
  private runs = 0;

  constructor(keepIn: string | null) {
    this.kept = keepIn !== null;
    this.base = keepIn === null ? mkdtempSync(join(tmpdir(), "millrace-bench-")) : resolve(keepIn);
    if (keepIn === null) return;
    if (existsSync(this.base) && readdirSync(this.base).length > 0) {
      throw new BenchError(`${this.base} is not empty: name a new folder with --home`);
    }
    makeFolder(this.base);
  }

  /** Runs the body with a new home folder. */
  async use<T>(body: (home: string) => Promise<T>): Promise<T> {
    const home = join(this.base, `run-${++this.runs}`);
    try {
      return await body(home);
    } finally {
      if (!this.kept) rmSync(home, { recursive: true, force: true });
    }
  }

  close(): void {
    if (!this.kept) rmSync(this.base, { recursive: true, force: true });
  }
}
