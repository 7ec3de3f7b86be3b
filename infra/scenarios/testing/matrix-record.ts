import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { MatrixResult } from "./distributed-matrix.ts";

/** What decides a result, besides chance: a record of another setup says nothing. */
export interface MatrixSetup {
  readonly seed: number;
  readonly events: number;
  readonly times: number;
}

/**
 * A file of the rows that are done, one JSON document a line, so that a full matrix that was
 * interrupted goes on where it was. A line is written whole when its row is: a kill leaves at most a
 * torn one at the end, whose row is run again.
 */
export class MatrixRecord {
  private readonly path: string;
  private readonly setup: MatrixSetup;
  private readonly done = new Map<string, MatrixResult>();

  /** @param path of the file, which need not be there; none with an empty one */
  constructor(path: string, setup: MatrixSetup) {
    this.path = path;
    this.setup = setup;
    if (path === "" || !existsSync(path)) return;
    for (const line of readFileSync(path, "utf8").split("\n")) {
      const entry = parsed(line);
      if (entry !== null && sameSetup(entry.setup, setup)) this.done.set(keyOf(entry.result), entry.result);
    }
  }

  /** The result of a row that is done and lost and doubled nothing; what failed is to be run again. */
  passed(names: readonly string[]): MatrixResult | null {
    const result = this.done.get(keyOf({ names }));
    return result !== undefined && result.problems.length === 0 ? result : null;
  }

  add(result: MatrixResult): void {
    if (this.path !== "") appendFileSync(this.path, `${JSON.stringify({ setup: this.setup, result })}\n`);
  }
}

interface Entry {
  readonly setup: MatrixSetup;
  readonly result: MatrixResult;
}

function parsed(line: string): Entry | null {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return null;
  }
}

function sameSetup(a: MatrixSetup, b: MatrixSetup): boolean {
  return a.seed === b.seed && a.events === b.events && a.times === b.times;
}

function keyOf({ names }: Pick<MatrixResult, "names">): string {
  return names.join(", ");
}
