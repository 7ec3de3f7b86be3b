import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProcessLock } from "../tools/process-lock.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

const EVENTS = 500;

let folder: string;
const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-backup-cli-"));
  expect(
    (await run("generate", "--events", String(EVENTS), "--seed", "1", "--out", join(folder, "events.ndjson")))
      .code,
  ).toBe(0);
  const loaded = await run(
    "replay",
    "ndjson",
    join(folder, "events.ndjson"),
    "--home",
    "home",
    "--wait",
    "--partitions",
    "2",
  );
  expect(loaded).toMatchObject({ code: 0 });
  await writeFile(join(folder, "home", "millrace.config.json"), JSON.stringify({ partitions: 2 }));
  await mkdir(join(folder, "home", "models", "notes"), { recursive: true });
  await writeFile(join(folder, "home", "models", "notes", "card.json"), "{}");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function bronzeEvents(home: string): Promise<unknown> {
  const { out } = await run(
    "query",
    "SELECT count(*) AS n FROM bronze.customer_events",
    "--home",
    home,
    "--format",
    "ndjson",
  );
  return JSON.parse(out);
}

describe("millrace backup", () => {
  test("copies a home that nobody runs into one that answers the same, with its configuration and models", async () => {
    const { code, out } = await run("backup", "--home", "home", "--to", "copy", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      home: join(folder, "home"),
      into: join(folder, "copy"),
      tasks: { "events-0": expect.any(Number), "insights-0": expect.any(Number) },
    });
    expect(await bronzeEvents("copy")).toEqual(await bronzeEvents("home"));
    expect(await readdir(join(folder, "copy"))).toEqual(
      expect.arrayContaining(["backup.json", "millrace.config.json", "models", "log", "alerts", "lake"]),
    );
    expect(await readdir(folder)).not.toContain("copy.unfinished");
    const verified = await run("backup", "--verify", "copy");
    expect(verified).toMatchObject({
      code: 0,
      out: expect.stringMatching(/copy is whole: 3 tasks, \d+ tables/),
    });
  });

  test("says of a damaged copy what is missing", async () => {
    expect((await run("backup", "--home", "home", "--to", "damaged")).code).toBe(0);
    const files = (await readdir(join(folder, "damaged"), { recursive: true })).sort();
    const [parquet, other] = files.filter((name) => /bronze.customer_events.*parquet$/.test(name));
    const image = files.find((name) => name.endsWith(".image")) as string;
    await truncate(join(folder, "damaged", parquet), 10);
    await rm(join(folder, "damaged", image));
    if (other !== undefined) await rm(join(folder, "damaged", other));
    const { code, out, err } = await run("backup", "--verify", "damaged", "--json");
    expect({ code, error: JSON.parse(out).error.code }).toEqual({ code: 1, error: "backup-damaged" });
    expect(err).toContain(`${parquet} has 10 bytes, not`);
    expect(err).toContain(`${image} is missing`);
  });

  test("clears away what a killed one has left", async () => {
    await mkdir(join(folder, "home", "backup-links", "lake"), { recursive: true });
    await mkdir(join(folder, "later.unfinished", "log"), { recursive: true });
    await writeFile(join(folder, "home", "backup.pid"), JSON.stringify({ pid: 0 }));
    expect((await run("backup", "--home", "home", "--to", "later")).code).toBe(0);
    expect(existsSync(join(folder, "later.unfinished"))).toBe(false);
    expect(await readdir(join(folder, "home"))).not.toContain("backup-links");
    expect(await readdir(join(folder, "later"))).not.toContain("backup-links");
  });

  test("refuses a second one beside it", async () => {
    const lock = ProcessLock.acquire(join(folder, "home", "backup.pid"));
    const { code, err } = await run("backup", "--home", "home", "--to", "second");
    if (lock instanceof ProcessLock) lock.release();
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("makes a backup of") });
    expect(existsSync(join(folder, "second"))).toBe(false);
  });

  test.each([
    [["--home", "home"], 2, /needs either --to FOLDER or --verify FOLDER/],
    [["--home", "home", "--to", "home/copy"], 2, /--to lies in the home/],
    [["--home", "home", "--to", "home"], 2, /--to lies in the home/],
    [["--home", "home", "--to", "events.ndjson"], 1, /events.ndjson is a file, .*: name a folder/],
    [["--home", "home", "--to", "."], 1, /is a folder with .* in it: name a folder/],
    [["--home", "home", "--to", "/proc/nope/copy"], 1, /\/proc\/nope/],
    [["--verify", "nowhere"], 2, /there is no home at/],
  ])("says what is wrong with %j", async (args, code, message) => {
    const found = await run("backup", ...args);
    expect(found.code).toBe(code);
    expect(found.err).toMatch(message);
  });

  test("says what backs up servers", async () => {
    const environment = {
      MILLRACE_MODE: "distributed",
      MILLRACE_KAFKA_BROKERS: "localhost:9092",
      MILLRACE_S3_BUCKET: "lake",
      MILLRACE_CATALOG_URI: "http://localhost:8181",
      MILLRACE_REDIS_URL: "redis://localhost:6379",
      MILLRACE_TRINO_URL: "http://localhost:8080",
    };
    const { code, err } = await runCli(["backup", "--to", "copy-2"], { folder, environment });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("infra/operations/backup.md") });
  });
});
