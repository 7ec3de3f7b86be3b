import { readFileSync } from "node:fs";

/** Linux counts CPU time for user space in hundredths of a second, whatever the kernel's own clock. */
const MICROS_A_TICK = 10_000;

/** CPU time of a process with all its threads so far, microseconds; null where it is gone. */
export function cpuMicrosOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 2 is the name in brackets and may hold anything; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[14 - 3]) + Number(fields[15 - 3])) * MICROS_A_TICK;
  } catch {
    return null;
  }
}

/** A process's own memory now, bytes: anonymous pages, as Linux counts them; 0 where it is gone. */
export function anonymousBytesOf(pid: number | "self"): number {
  try {
    const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? 0 : Number(match[1]) * 1024;
  } catch {
    return 0;
  }
}
