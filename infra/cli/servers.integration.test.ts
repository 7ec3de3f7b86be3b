import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import "../servers/test-servers.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

// Redis stands for all of them: it starts at once, from what `npm test` has made sure is there.
const PORT = "29479";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-servers-"));
});
afterAll(async () => {
  await run("servers", "stop");
  rmSync(folder, { recursive: true });
});

function run(...args: string[]): Promise<CliRun> {
  const environment = { PATH: process.env.PATH ?? "", MILLRACE_CACHE: folder, MILLRACE_REDIS_PORT: PORT };
  return runCli(args, { folder, environment });
}

const settingsFile = () => join(folder, ".millrace", "millrace.config.json");
const redisUrl = `redis://127.0.0.1:${PORT}`;

describe("millrace servers", () => {
  it("starts what is named, says how the platform finds it, and writes that down", async () => {
    const { code, out } = await run("servers", "start", "redis");
    expect({ code, out }).toEqual({ code: 0, out: `export MILLRACE_REDIS_URL='${redisUrl}'\n` });
    expect(JSON.parse(readFileSync(settingsFile(), "utf8"))).toEqual({ redisUrl });
    expect((await run("config", "print")).out).toMatch(new RegExp(`^redisUrl +${redisUrl} +file`, "m"));
  });

  it("leaves what runs as it is when it is started again, and shows it", async () => {
    const before = JSON.parse((await run("servers", "status", "redis", "--json")).out);
    expect(before.servers).toMatchObject([{ name: "redis", port: Number(PORT), ready: true }]);
    await run("servers", "start", "redis");
    const after = JSON.parse((await run("servers", "status", "redis", "--json")).out);
    expect(after.servers[0].pid).toBe(before.servers[0].pid);
    expect((await run("servers", "status")).out).toMatch(/^Redis +7 +ready +29479 +\d+ +\d+$/m);
  });

  it("does not touch a configuration file that says more than that", async () => {
    const own = JSON.stringify({ partitions: 4 });
    writeFileSync(settingsFile(), own);
    const { code, err } = await run("servers", "start", "redis");
    expect(code).toBe(0);
    expect(err).toContain("settings of its own");
    expect(readFileSync(settingsFile(), "utf8")).toBe(own);
  });

  it("stops what runs, and says when nothing does", async () => {
    expect((await run("servers", "stop")).out).toBe("Stopped: redis.\n");
    expect((await run("servers", "stop")).out).toBe("None was running.\n");
    const { servers } = JSON.parse((await run("servers", "status", "redis", "--json")).out);
    expect(servers).toMatchObject([{ pid: null, memoryMiB: null, ready: false }]);
  });

  it("takes names of servers only", async () => {
    const { code, err } = await run("servers", "start", "mysql");
    expect(code).toBe(2);
    expect(err).toContain("there are kafka, minio");
  });
});
