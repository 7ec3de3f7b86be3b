import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HomeLock } from "../platform/home-lock.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

const LAUNCHER = join(import.meta.dirname, "millrace.mjs");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });

interface Child {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command as a process of its own; `killAfterMs` ends it with SIGKILL. */
function launch(
  args: readonly string[],
  onOut?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
  killAfterMs?: number,
): Promise<Child> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: folder });
    let out = "";
    let err = "";
    child.stdout.on("data", (piece) => {
      out += piece;
      onOut?.(out, (signal) => child.kill(signal));
    });
    child.stderr.on("data", (piece) => {
      err += piece;
    });
    if (killAfterMs !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** Replays of the home whose file is in the log as a whole. */
async function loadedReplays(home: string): Promise<number> {
  const folder = join(home, "replays");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const records = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return records.filter((text) => JSON.parse(text).end !== null).length;
}

describe("the command line", () => {
  it("explains itself with examples", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const name of [
      "up",
      "worker",
      "replay",
      "whatif",
      "rescale",
      "generate",
      "produce",
      "consume",
      "topics",
      "schemas",
      "train",
      "evaluate",
      "status",
      "dead-letters",
      "compact",
      "config",
    ]) {
      expect(out).toContain(`  ${name}`);
      expect((await run(name, "--help")).code).toBe(0);
    }
    expect((await run("replay", "--help")).out).toContain("Examples:");
  });

  it.each([
    [["upp"], "Did you mean up?"],
    [["up", "--prot", "1"], "Did you mean --port?"],
    [["replay", "rees47", "x"], "Allowed choices are rees46"],
    [["replay", "rees46"], "missing required argument 'file'"],
    [["replay", "bronze"], "needs --into FOLDER, or --into lake"],
    [["replay", "bronze", "--into", "lake", "--tables", "gold.fun"], "no table gold.fun"],
    [["replay", "bronze", "--into", "lake"], "needs --from and --to"],
    [["replay", "bronze", "--into", "lake", "--warm-up-ms", "1"], "takes no --warm-up-ms"],
    [["whatif"], "nothing is changed"],
    [["whatif", "--set", "port=1"], "says what the stream finds"],
    [["whatif", "--model", "propensity"], "give PLUGIN=VERSION"],
    [["rescale", "--to", "4"], "required option '--into <place>'"],
    [["generate", "--events", "-1", "--out", "x"], "whole number"],
    [["generate", "--events", "1", "--products", "1e9", "--out", "x"], "from 1 to 1000000"],
    [["train", "nothing"], "use one of fraud, propensity, recommend"],
    [["evaluate", "propensty"], "Did you mean propensity?"],
    [["evaluate", "propensity"], "required option '--train <file>'"],
    [["config", "check", "--port", "99999", "--tick-ms", "x"], "--tick-ms must be"],
    [["up", "--trino-password", "secret"], "unknown option '--trino-password'"],
    [["up", "--mode", "distributed"], "MILLRACE_KAFKA_BROKERS"],
  ])("answers wrong usage %j with exit code 2 and a hint", async (args, hint) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(hint);
  });

  it("answers wrong usage with one JSON document, too, where that was asked for", async () => {
    for (const args of [["replay", "rees47", "x"], ["upp"], ["up", "--prot", "1"], ["config", "nothing"]]) {
      const { code, out } = await run(...args, "--json");
      expect(code).toBe(2);
      expect(JSON.parse(out).error.code).toBe("wrong-usage");
    }
  });

  it.each([
    [() => join(folder, "absent.csv"), "does not exist"],
    [() => folder, "is a directory"],
    [() => join(folder, "empty.csv"), "is empty"],
    [() => LAUNCHER, "is not rees46"],
  ])("answers an input that cannot be read with exit code 1", async (path, message) => {
    await writeFile(join(folder, "empty.csv"), "");
    const { code, out, err } = await run("replay", "rees46", path(), "--home", "inputs", "--json");
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(JSON.parse(out).error.message).toContain(message);
    // Nor is a home made for a path that was mistyped.
    if (message !== "is not rees46") expect(existsSync(join(folder, "inputs"))).toBe(false);
  });

  it("prints where each setting comes from", async () => {
    const { out } = await run("config", "print", "--port", "4100");
    expect(out).toMatch(/^port +4100 +flag +MILLRACE_PORT$/m);
    expect(out).toMatch(/^tickMs +1000 +default +MILLRACE_TICK_MS$/m);
    expect(JSON.parse((await run("config", "print", "--json")).out).partitions).toBe(2);
  });

  it("tells of variables that are no settings, and shows no secret", async () => {
    const environment = { MILLRACE_PROT: "1", MILLRACE_CATALOG_TOKEN: "hush" };
    const checked = await runCli(["config", "check"], { folder, environment });
    expect(checked).toMatchObject({ code: 0, err: "MILLRACE_PROT is no setting: it changes nothing\n" });
    const printed = await runCli(["config", "print"], { folder, environment });
    expect(printed.out).toMatch(/^catalogToken +\*{4} +environment/m);
  });

  it.each([
    ["folder-unusable", ["up", "--home", "file"]],
    ["folder-unusable", ["up", "--home", "file/home"]],
    ["folder-unusable", ["up", "--home", "dangling/home"]],
    ["folder-unusable", ["replay", "bronze", "--home", "beside", "--into", "file/side"]],
    ["output-unwritable", ["generate", "--events", "10", "--out", "file/events.ndjson"]],
  ])("says %s at once, and where to look, of a place that cannot be written: %j", async (expected, args) => {
    await writeFile(join(folder, "file"), "");
    await rm(join(folder, "dangling"), { force: true });
    await symlink(join(folder, "nothing"), join(folder, "dangling"));
    await run("topics", "apply", "--home", "beside");
    const { code, out, err } = await run(...args, "--json");
    const { error } = JSON.parse(out);
    expect({ code, error: error.code }).toEqual({ code: 1, error: expected });
    expect(error.message).toMatch(/name a folder|look at its folder/);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it("ends a wait for another process at the first signal, and the same command goes on", async () => {
    const file = join(folder, "waited.ndjson");
    await run("generate", "--events", "1000", "--seed", "4", "--out", file);
    const home = join(folder, "waiting");
    const replay = ["replay", "ndjson", file, "--wait", "--home", home, "--log-level", "error", "--json"];
    // As a process that never comes to process it: what is waited for does not happen.
    await mkdir(home);
    const lock = HomeLock.acquire(home);
    const waiting = run(...replay);
    await vi.waitFor(async () => expect(await loadedReplays(home)).toBe(1), { timeout: 60_000 });
    process.emit("SIGTERM");
    const { code, out } = await waiting;
    expect(code).toBe(1);
    expect(JSON.parse(out).error).toMatchObject({
      code: "interrupted",
      message: expect.stringContaining("the same command"),
    });
    if (lock instanceof HomeLock) lock.release();
    const { alreadyLoaded, rowsByTable } = JSON.parse((await run(...replay)).out);
    expect(alreadyLoaded).toBe(true);
    expect(rowsByTable["bronze.customer_events"]).toBeGreaterThan(900);
  }, 120_000);

  it("goes on with a load anew that was cut off, and begins another one behind it", async () => {
    const file = join(folder, "anew.ndjson");
    await run("generate", "--events", "1000", "--seed", "3", "--malformed", "0", "--out", file);
    const home = join(folder, "anew");
    const replay = ["replay", "ndjson", file, "--home", home, "--json"];
    const records = async () => {
      const topics: { topic: string; end: number }[] = JSON.parse(
        (await run("status", "--home", home, "--json")).out,
      ).topics;
      return topics.reduce((sum, { topic, end }) => sum + (topic === "customer-events" ? end : 0), 0);
    };
    await run(...replay);
    expect(await records()).toBe(1000);
    const lock = HomeLock.acquire(home);
    const waiting = run(...replay, "--again", "--wait");
    await vi.waitFor(async () => expect(await loadedReplays(home)).toBe(2), { timeout: 60_000 });
    process.emit("SIGTERM");
    expect((await waiting).code).toBe(1);
    const [afterCut, endMarks] = [await records(), 2];
    expect(afterCut).toBe(2000 + endMarks);
    if (lock instanceof HomeLock) lock.release();
    expect(JSON.parse((await run(...replay, "--again")).out).alreadyLoaded).toBe(true);
    expect(await records()).toBe(afterCut);
    expect(JSON.parse((await run(...replay, "--again")).out).alreadyLoaded).toBe(false);
    expect(await records()).toBe(afterCut + 1000);
  }, 120_000);

  it("generates events with their truth", async () => {
    const out = join(folder, "generated.ndjson");
    const report = await run("generate", "--events", "2e4", "--seed", "3", "--out", out, "--json");
    expect(JSON.parse(report.out)).toMatchObject({ events: 20_000, file: out });
    expect((await readFile(out, "utf8")).trimEnd().split("\n")).toHaveLength(20_000);
    expect(JSON.parse(await readFile(`${out}.truth.json`, "utf8")).options.seed).toBe(3);
  });

  it.each([1, 4])("generates about %i events a second where so many are asked for", async (rate) => {
    const out = join(folder, `rate-${rate}.ndjson`);
    await run("generate", "--events", "40000", "--rate", String(rate), "--out", out);
    const times = (await readFile(out, "utf8")).match(/(?<="eventTime":)\d{13}/g)!.map(Number);
    const { startTime } = JSON.parse(await readFile(`${out}.truth.json`, "utf8")).options;
    const perSecond = 40_000 / ((Math.max(...times.slice(-100)) - startTime) / 1000);
    expect(perSecond / rate).toBeGreaterThan(0.9);
    expect(perSecond / rate).toBeLessThan(1.25);
  });

  it("generates as many plants as it is told to", async () => {
    const out = join(folder, "plants.ndjson");
    const options = ["--events", "3e4", "--rate", "20", "--out", out];
    await run("generate", ...options, "--flash-sale-every", "0", "--fraud-ring-every", "300");
    const { flashSales, fraudRings } = JSON.parse(await readFile(`${out}.truth.json`, "utf8"));
    expect(flashSales).toEqual([]);
    expect(fraudRings.length).toBeGreaterThan(3);
    expect(fraudRings[1].startTime - fraudRings[0].startTime).toBe(300_000);
  });
});

// The built program, as users run it: `npm test` builds first.
describe("the built command", () => {
  /**
   * Tables in which a row is written once. In the second stage's, how many revisions a row gets depends
   * on how the tasks' panes interleave; that the newest ones are equal is what the scenarios show.
   */
  function countedOnce(rowsByTable: Record<string, number>): Record<string, number> {
    const names = Object.keys(rowsByTable).filter(
      (name) => !/^gold\.(product_|popular_|revenue_|flash_)/.test(name),
    );
    return Object.fromEntries(names.map((name) => [name, rowsByTable[name]]));
  }

  it("replays a file killed in the middle as if it had not been, and a repeat changes nothing", async () => {
    const file = join(folder, "replayed.ndjson");
    await run("generate", "--events", "100000", "--seed", "5", "--malformed", "0.01", "--out", file);
    const { valid, duplicates, malformed } = JSON.parse(
      await readFile(`${file}.truth.json`, "utf8"),
    ).customerEvents;
    const refused = Object.values<number>(malformed).reduce((sum, count) => sum + count, 0);
    const replay = ["replay", "ndjson", file, "--wait", "--json", "--home"];
    for (const after of [900, 1500, 2200]) await launch([...replay, "killed"], undefined, after);
    const resumed = JSON.parse((await launch([...replay, "killed"])).out);
    const whole = JSON.parse((await launch([...replay, "whole"])).out);
    const repeated = JSON.parse((await launch([...replay, "whole"])).out);
    expect(whole).toMatchObject({ eventsRead: 100_000, valid: valid + duplicates, alreadyLoaded: false });
    expect(Object.values<number>(whole.refused).reduce((sum, count) => sum + count, 0)).toBe(refused);
    expect(whole.rowsByTable["bronze.customer_events"]).toBe(valid + duplicates);
    expect(whole.rowsByTable["silver.events"]).toBe(valid);
    for (const other of [resumed, repeated]) {
      expect(countedOnce(other.rowsByTable)).toEqual(countedOnce(whole.rowsByTable));
      expect(other.refused).toEqual(whole.refused);
      expect(other.valid).toBe(whole.valid);
    }
    expect(repeated.alreadyLoaded).toBe(true);
    const status = JSON.parse((await launch(["status", "--home", "whole", "--json"])).out);
    expect(status.runBy).toBeNull();
    const letters = JSON.parse(
      (await launch(["dead-letters", "--home", "whole", "--json", "--limit", "5"])).out,
    );
    expect(letters.deadLetters).toHaveLength(5);
    const compacted = await launch(["compact", "--full", "--home", "whole", "--json"]);
    expect(compacted.code).toBe(0);
  });

  it("produces from an input that says nothing until a signal, and tells what it did", async () => {
    const child = spawn(process.execPath, [LAUNCHER, "produce", "orders", "--home", "quiet", "--json"], {
      cwd: folder,
    });
    let out = "";
    child.stdout.on("data", (piece) => {
      out += piece;
    });
    child.stdin.write("no order\n");
    const closed = once(child, "close");
    // Signals are taken before the home is made.
    await vi.waitUntil(() => existsSync(join(folder, "quiet", "log")), { timeout: 60_000 });
    child.kill("SIGINT");
    await closed;
    expect(JSON.parse(out)).toMatchObject({ topic: "orders", produced: 0 });
  });

  it("ends where its port is taken, and says what to do", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, err } = await launch(["up", "--home", "crowded", "--port", String(port)]);
    other.close();
    expect(code).toBe(1);
    expect(err).toContain("choose another by --host and --port");
  });

  it("says where to look, and ends in order at SIGTERM", async () => {
    let url = "";
    const health: Promise<Response>[] = [];
    const ended = await launch(["up", "--home", "served", "--port", "0", "--json"], (out, kill) => {
      if (url !== "" || !out.endsWith("\n")) return;
      url = JSON.parse(out).url;
      health.push(fetch(`${url}/health`).finally(() => kill("SIGTERM")));
    });
    expect((await health[0]).status).toBe(200);
    expect(ended.code).toBe(0);
    expect(ended.err).toContain("stopping");
  });

  it("lets pages of the origins that are set use the API, within the limits that are set; in production without GraphiQL", async () => {
    const origin = "http://localhost:5173";
    const settings = ["--production", "--allowed-origins", origin, "--query-depth-max", "1"];
    const asked: Promise<readonly [Response, Response]>[] = [];
    const ended = await launch(["up", "--home", "open", "--port", "0", ...settings], (out, kill) => {
      const url = / GraphQL +(http\S+)/.exec(out)?.[1];
      if (url === undefined || asked.length > 0 || !out.endsWith("\n")) return;
      const post = (query: string) =>
        fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", origin },
          body: JSON.stringify({ query }),
        });
      const both = Promise.all([post("{ __typename }"), post("{ pipelineStatus { lagTotal } }")]);
      asked.push(both.finally(() => kill("SIGTERM")));
    });
    const [flat, deep] = await asked[0];
    expect([flat.status, flat.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    expect(await deep.json()).toMatchObject({ errors: [{ extensions: { code: "depth-limit" } }] });
    expect(ended.out).toContain("/graphql");
    expect(ended.out).not.toMatch(/graphiql/i);
  });
});
