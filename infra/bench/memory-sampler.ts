import { anonymousBytesOf } from "./process-usage.ts";

const SAMPLE_EVERY_MS = 50;

/**
 * Peak of a process's own memory, bytes: anonymous pages, as Linux counts them. Pages of the log
 * and the hot store that are mapped from files are the kernel's cache and not in it.
 */
export class MemorySampler {
  private readonly samples: number[] = [];
  private readonly pid: number | "self";
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number | "self" = "self") {
    this.pid = pid;
    this.sample();
    this.timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  /** Ends the sampling; the peak of all of it. */
  stop(): number {
    clearInterval(this.timer);
    this.sample();
    return largest(this.samples);
  }

  /** The peaks of so many equal parts of the time that was sampled, in their order. */
  peaksOf(parts: number): number[] {
    const { length } = this.samples;
    const bound = (part: number): number => Math.floor((length * part) / parts);
    // A part has one sample at least, however short the time was.
    return Array.from({ length: parts }, (_, part) =>
      largest(this.samples.slice(bound(part), Math.max(bound(part + 1), bound(part) + 1))),
    );
  }

  private sample(): void {
    this.samples.push(anonymousBytesOf(this.pid));
  }
}

function largest(samples: readonly number[]): number {
  return samples.reduce((most, sample) => Math.max(most, sample), 0);
}
