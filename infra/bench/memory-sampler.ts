import { readFileSync } from "node:fs";

const SAMPLE_EVERY_MS = 50;

/**
 * Peak of the process's own memory, bytes: anonymous pages, as Linux counts them. Pages of the log
 * and the hot store that are mapped from files are the kernel's cache and not in it.
 */
export class MemorySampler {
  peakBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor() {
    this.sample();
    this.timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  stop(): number {
    clearInterval(this.timer);
    this.sample();
    return this.peakBytes;
  }

  private sample(): void {
    const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (match !== null) this.peakBytes = Math.max(this.peakBytes, Number(match[1]) * 1024);
  }
}
