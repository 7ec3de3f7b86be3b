import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshFolder, removeFolder, scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { HomeLock } from "./home-lock.ts";
import { Platform } from "./platform.ts";

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe("opening a platform", () => {
  let home: string;
  beforeEach(() => {
    home = freshFolder("platform");
  });
  afterEach(() => removeFolder(home));
  const config = () => scenarioConfig(home, { partitions: 1, workers: 1 });

  test("that fails gives the home's lock up", async () => {
    // As by a rescale that was killed.
    mkdirSync(join(home, "rescale"), { recursive: true });
    writeFileSync(join(home, "rescale", "begun.json"), "{}");
    await expect(Platform.open(config(), quiet)).rejects.toMatchObject({ code: "rescale-unfinished" });
    expect(HomeLock.holder(home)).toBeNull();
    rmSync(join(home, "rescale"), { recursive: true });
    const platform = await Platform.open(config(), quiet);
    expect(platform.runBy).toBeNull();
    await platform.close();
  });

  test("to read takes no lock: one that runs workers may come meanwhile, and is seen", async () => {
    const reader = await Platform.open(config(), quiet, { runsWorkers: false });
    const runner = await Platform.open(config(), quiet);
    expect(runner.runBy).toBeNull();
    const second = await Platform.open(config(), quiet, { runsWorkers: false });
    expect(second.runBy).toBe(process.pid);
    await reader.close();
    await second.close();
    expect(readdirSync(home)).toContain("platform.pid");
    await runner.close();
    expect(readdirSync(home)).not.toContain("platform.pid");
  });

  test("that another one runs already is told so when it starts workers", async () => {
    const runner = await Platform.open(config(), quiet);
    const second = await Platform.open(config(), quiet);
    await expect(second.startWorkers()).rejects.toMatchObject({ code: "home-in-use" });
    await second.close();
    await runner.close();
  });

  test("gives its queries the time that it is told", async () => {
    const queryLimits = { queryMsMax: 20 };
    const hurried = await Platform.open(config(), quiet, { runsWorkers: false, queryLimits });
    const long = hurried.queryEngine.query("SELECT sum(a.i * b.i) FROM range(1e6) a(i), range(1e6) b(i)", []);
    await expect(long).rejects.toMatchObject({ code: "query-timeout" });
    await hurried.close();
  });
});
