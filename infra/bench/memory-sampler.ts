import { anonymousBytesOf } from "./process-usage.ts";

const SAMPLE_EVERY_MS = 50;

/**
 * Peak of a process's own memory, bytes: anonymous pages, as Linux counts them. Pages of the log
 * and the hot store that are mapped from files are the kernel's cache and not in it.
 */
export class MemorySampler {
  peakBytes = 0;
  private readonly pid: number | "self";
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number | "self" = "self") {
    this.pid = pid;
    this.sample();
    this.timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  stop(): number {
    clearInterval(this.timer);
    this.sample();
    return this.peakBytes;
  }

  private sample(): void {
    this.peakBytes = Math.max(this.peakBytes, anonymousBytesOf(this.pid));
  }
}
