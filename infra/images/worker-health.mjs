// Health of a worker's container: exit 0 while its process is there and not stopped. That it works
// shows elsewhere: one that hangs loses its membership and its tasks to the others.
import { readdirSync, readFileSync } from "node:fs";

function isWorking(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const isWorker = words.some((word) => word.endsWith("millrace.mjs")) && words.includes("worker");
    return (
      isWorker &&
      words[0].endsWith("node") &&
      /^State:\s+[RSD]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
    );
  } catch {
    // It ended meanwhile.
    return false;
  }
}

process.exit(readdirSync("/proc").some((name) => /^\d+$/.test(name) && isWorking(name)) ? 0 : 1);
