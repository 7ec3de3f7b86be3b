import type { InputFile } from "./input-file.ts";

export interface LoadProgress {
  /** `checking`: a first look at a file, before anything is appended. */
  readonly step: "checking" | "loading";
  readonly bytesRead: number;
  /** Of all passes over the file that the step takes. */
  readonly bytesTotal: number;
  /** Read so far, in this step. */
  readonly rows: number;
}

export interface RefusedRow {
  readonly line: number;
  readonly reason: string;
}

const REFUSED_EXAMPLES_MAX = 20;

/** What was read and refused so far, with at most {@link REFUSED_EXAMPLES_MAX} examples. */
export class LoadTally {
  rowsRead = 0;
  readonly refused = new Map<string, number>();
  readonly examples: RefusedRow[] = [];
  readonly #onProgress: (progress: LoadProgress) => void;
  readonly #bytesTotal: number;

  constructor(onProgress: ((progress: LoadProgress) => void) | undefined, file: InputFile) {
    this.#onProgress = onProgress ?? (() => {});
    this.#bytesTotal = file.bytesTotal;
  }

  refuse(line: number, reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    if (this.examples.length < REFUSED_EXAMPLES_MAX) this.examples.push({ line, reason });
  }

  /** For the file's `read` in a first look at it. */
  readonly onChecked = (bytesRead: number): void => {
    this.#onProgress({ step: "checking", bytesRead, bytesTotal: this.#bytesTotal, rows: 0 });
  };

  /** For the file's `read` in pass `pass` of `passes`, counted from 0. */
  onRead(pass = 0, passes = 1): (bytesRead: number) => void {
    const bytes = this.#bytesTotal;
    return (bytesRead) =>
      this.#onProgress({
        step: "loading",
        bytesRead: pass * bytes + bytesRead,
        bytesTotal: passes * bytes,
        rows: this.rowsRead,
      });
  }
}
