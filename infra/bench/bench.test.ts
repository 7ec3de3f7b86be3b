import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BenchHomes } from "./bench-homes.ts";
import type { ReferenceJobRun } from "./bench-reference-job.ts";
import type { Parts } from "./parts.ts";
import type { PartsCost } from "./report.ts";
import { quantile, spread } from "./spread.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const EVENTS = 20_000;

describe("the bench command", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-bench-test-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function bench(...args: string[]) {
    // Temporary homes below the test's folder, so that a forgotten one is seen.
    return spawnSync(process.execPath, [MAIN, ...args], {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: folder },
    });
  }

  test("reports the reference job with every event counted once, and leaves no home behind", () => {
    const { status, stdout, stderr } = bench("--events", String(EVENTS), "--json");
    expect(stderr).toContain("running the pipeline");
    expect(status).toBe(0);
    const run = JSON.parse(stdout) as ReferenceJobRun;
    expect(run).toMatchObject({ events: EVENTS });
    expect(run.eventsPerSecond).toBeGreaterThan(0);
    expect(run.cpuMicrosPerEvent.total).toBeGreaterThan(0);
    expect(Object.keys(run.cpuMicrosPerEvent.byStage)).toEqual(
      expect.arrayContaining(["decode", "bronze and silver"]),
    );
    expect(run.peakRssBytes).toBeGreaterThan(0);
    expect(run.stateBytes.keys).toBeGreaterThan(0);
    expect(run.files).toBeGreaterThan(0);
    expect(run.bytes).toBeGreaterThan(0);
    const rows = run.rowsByTable;
    expect(run.malformed).toBeGreaterThan(0);
    expect(rows["bronze.dead_letters"]).toBe(run.malformed);
    expect(rows["bronze.customer_events"] + rows["bronze.dead_letters"]).toBe(EVENTS);
    // The reference events repeat no id.
    expect(rows["silver.events"]).toBe(rows["bronze.customer_events"]);
    expect(rows["gold.page_views_by_user"]).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("tells what detectors and models cost, and leaves out the same otherwise", () => {
    const { status, stdout } = bench("--events", "2000", "--parts", "reference,detectors,all", "--json");
    expect(status).toBe(0);
    const { costs, parts } = JSON.parse(stdout) as {
      costs: PartsCost[];
      parts: Record<Parts, ReferenceJobRun>;
    };
    expect(costs[0]).toMatchObject({ parts: "reference", eventsPerSecondLost: 0, cpuAdded: 0 });
    expect(costs.map(({ parts }) => parts)).toEqual(["reference", "detectors", "all"]);
    const stepsOf = (name: Parts) => Object.keys(parts[name].cpuMicrosPerEvent.byStage);
    expect(stepsOf("reference")).toEqual(expect.not.arrayContaining(["funnel", "recommend-products"]));
    expect(stepsOf("detectors")).toEqual(expect.arrayContaining(["funnel", "anomalies", "inventory"]));
    expect(stepsOf("detectors")).not.toContain("recommend-products");
    expect(stepsOf("all")).toEqual(expect.arrayContaining(["funnel", "recommend-products"]));
    expect(parts.reference.rowsByTable["silver.events"]).toBe(parts.all.rowsByTable["silver.events"]);
  });

  test("answers wrong usage with exit code 2 and --help with 0", () => {
    expect(bench("--flat", "--latency").status).toBe(2);
    const help = bench("--help");
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("--latency");
  });

  test("keeps homes in a folder that is named, and refuses one that is not empty", async () => {
    const named = join(folder, "kept");
    const homes = new BenchHomes(named);
    await homes.use(async (home) => void mkdirSync(home));
    homes.close();
    expect(readdirSync(named)).toEqual(["run-1"]);
    expect(() => new BenchHomes(named)).toThrow("is not empty");
  });

  test("removes a temporary home also when the run fails", async () => {
    const homes = new BenchHomes(null);
    let used = "";
    const failing = homes.use(async (home) => {
      used = home;
      mkdirSync(home);
      throw new Error("planned");
    });
    await expect(failing).rejects.toThrow("planned");
    expect(existsSync(used)).toBe(false);
    homes.close();
    expect(existsSync(dirname(used))).toBe(false);
  });
});

test("quantiles are values that were measured, by nearest rank", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  expect([0.5, 0.99, 0.999].map((share) => quantile(hundred, share))).toEqual([50, 99, 100]);
  expect(spread([3, 1, 2, 10])).toEqual({ median: 2, min: 1, max: 10 });
  expect(quantile([], 0.5)).toBeNaN();
});
