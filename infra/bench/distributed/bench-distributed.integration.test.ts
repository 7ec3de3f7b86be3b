import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";
import { serversCache } from "../../servers/installer.ts";
import { removeAbandonedServers } from "../../servers/private-server.ts";
import type { distributedDocument } from "./distributed-report.ts";

const MAIN = join(import.meta.dirname, "../main.ts");
const EVENTS = 20_000;
const MINUTES_MS = 60_000;

describe("the bench of the distributed mode", () => {
  // Those of a bench that failed or was killed by a time-out.
  afterAll(removeAbandonedServers, MINUTES_MS);

  function bench(...args: string[]) {
    return spawn(process.execPath, [MAIN, "--mode", "distributed", "--events", String(EVENTS), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Folders of private servers are named with the process that started them. */
  function serversOf({ pid }: ChildProcess): string[] {
    return readdirSync(join(serversCache(), "private")).filter((name) => name.includes(`-${pid}-`));
  }

  test(
    "counts every event once, tells what servers and bare consumers cost, and leaves no server behind",
    async () => {
      const child = bench("--workers", "2", "--json");
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "exit"),
      ]);
      expect(code, stderr).toBe(0);
      const document = JSON.parse(stdout) as ReturnType<typeof distributedDocument>;
      expect(document).toMatchObject({ mode: "distributed", events: EVENTS, partitions: 4, codec: "zstd" });
      const [run] = document.runs;
      expect(run.workers).toBe(2);
      expect(run.peakRssBytesByWorker).toHaveLength(2);
      const measured = [
        run.eventsPerSecond,
        run.cpuMicrosPerEvent.total,
        run.cpuMicrosPerEvent.byServer.kafka,
        ...run.peakRssBytesByWorker,
        run.files,
        run.bytes,
      ];
      expect(measured.filter((value) => !(value > 0))).toEqual([]);
      const rows = run.rowsByTable;
      expect(rows["bronze.dead_letters"]).toBe(run.malformed);
      expect(rows["bronze.customer_events"] + rows["bronze.dead_letters"]).toBe(EVENTS);
      for (const { events, bytes } of [run.bareReader, run.bareKafkajs])
        expect({ events, bytes }).toEqual({ events: EVENTS, bytes: run.inputBytes });
      expect(serversOf(child)).toEqual([]);
    },
    5 * MINUTES_MS,
  );

  test(
    "takes its servers and children away at Ctrl-C",
    async () => {
      const child = bench("--workers", "1");
      const exit = once(child, "exit");
      child.stderr.setEncoding("utf8");
      let told = "";
      for await (const chunk of child.stderr) {
        told += chunk as string;
        if (told.includes("filling customer-events")) break;
      }
      expect(serversOf(child).length, told).toBeGreaterThan(0);
      child.kill("SIGINT");
      expect((await exit)[0]).toBe(130);
      expect(serversOf(child)).toEqual([]);
    },
    5 * MINUTES_MS,
  );
});
