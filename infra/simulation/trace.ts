import { createHash, type Hash } from "node:crypto";
import { MillraceError } from "../../schema/index.ts";

/** Random parts of names that the lake makes itself; they decide nothing. */
const RANDOM_NAME = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|snap-\d+/g;

/** An error without its message, which may name what is random. */
export function errorName(error: unknown): string {
  return error instanceof MillraceError ? error.code : String(error);
}

/** What happened, line by line: two runs of a seed have the same digest. */
export class Trace {
  lines = 0;
  private readonly hash: Hash = createHash("sha256");
  private readonly write: ((line: string) => void) | null;

  constructor(write: ((line: string) => void) | null = null) {
    this.write = write;
  }

  note(nowMs: number, what: string): void {
    const line = `${nowMs.toFixed(3)} ${what.replace(RANDOM_NAME, "*")}\n`;
    this.hash.update(line);
    this.lines++;
    this.write?.(line);
  }

  digest(): string {
    return this.hash.copy().digest("hex");
  }
}
