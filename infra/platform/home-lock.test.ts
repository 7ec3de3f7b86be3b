import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HomeLock } from "./home-lock.ts";

const MODULE = fileURLToPath(new URL("./home-lock.ts", import.meta.url));
/** Prints whether it got the lock, and keeps it until its input ends. */
const HOLDER = `
  import { HomeLock } from ${JSON.stringify(MODULE)};
  const lock = HomeLock.acquire(process.argv[1]);
  process.stdout.write(lock instanceof HomeLock ? "got it" : "held by " + lock.heldBy);
  process.stdin.resume().on("end", () => { if (lock instanceof HomeLock) lock.release(); });
`;

describe("home lock", () => {
  let home: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "millrace-lock-"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  });

  async function startHolder(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
    const child = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, home], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.push(child);
    const [said] = await once(child.stdout as NodeJS.ReadableStream, "data");
    return { child, said: String(said) };
  }

  test("is had by one process: a second one is told which", async () => {
    const { child, said } = await startHolder();
    expect(said).toBe("got it");
    expect(HomeLock.acquire(home)).toEqual({ heldBy: child.pid });
    expect((await startHolder()).said).toBe(`held by ${child.pid}`);
  });

  test("is free again when its holder gives it up", async () => {
    const { child } = await startHolder();
    child.stdin?.end();
    await once(child, "exit");
    const lock = HomeLock.acquire(home);
    expect(lock).toBeInstanceOf(HomeLock);
    if (lock instanceof HomeLock) lock.release();
    expect(readdirSync(home)).toEqual([]);
  });

  test("is taken over from a holder that was killed", async () => {
    const { child } = await startHolder();
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(readFileSync(join(home, "platform.pid"), "utf8")).toBe(String(child.pid));
    expect(HomeLock.acquire(home)).toBeInstanceOf(HomeLock);
    expect(readFileSync(join(home, "platform.pid"), "utf8")).toBe(String(process.pid));
    expect(readdirSync(home)).toEqual(["platform.pid"]);
  });

  test("of several processes that find a dead one's lock exactly one takes it over", async () => {
    const { child } = await startHolder();
    child.kill("SIGKILL");
    await once(child, "exit");
    const all = await Promise.all(Array.from({ length: 5 }, startHolder));
    expect(all.filter(({ said }) => said === "got it")).toHaveLength(1);
  });

  test.each(["", "not a number", "-1", "0", "1e99"])(
    "a lock file that names no process (%j) is replaced",
    (text) => {
      writeFileSync(join(home, "platform.pid"), text);
      expect(HomeLock.acquire(home)).toBeInstanceOf(HomeLock);
    },
  );

  test("giving up a lock that another process has by now leaves it alone", async () => {
    const lock = HomeLock.acquire(home);
    rmSync(join(home, "platform.pid"));
    const { child } = await startHolder();
    if (lock instanceof HomeLock) lock.release();
    expect(HomeLock.acquire(home)).toEqual({ heldBy: child.pid });
  });

  test("creates the home folder", () => {
    const fresh = join(home, "a", "b");
    expect(HomeLock.acquire(fresh)).toBeInstanceOf(HomeLock);
    expect(existsSync(fresh)).toBe(true);
  });
});
