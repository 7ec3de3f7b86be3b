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

  const lockFile = () => join(home, "platform.pid");
  const holder = () => JSON.parse(readFileSync(lockFile(), "utf8"));

  test("is had by one process: a second one is told which", async () => {
    const { child, said } = await startHolder();
    expect(said).toBe("got it");
    expect(HomeLock.acquire(home)).toEqual({ heldBy: child.pid });
    expect((await startHolder()).said).toBe(`held by ${child.pid}`);
  });

  test("is had once: a second one in the same process is refused, until the first gives it up", () => {
    const first = HomeLock.acquire(home);
    expect(HomeLock.acquire(home)).toEqual({ heldBy: process.pid });
    if (first instanceof HomeLock) first.release();
    expect(HomeLock.acquire(home)).toBeInstanceOf(HomeLock);
    // The first has nothing to give up any more.
    if (first instanceof HomeLock) first.release();
    expect(HomeLock.acquire(home)).toEqual({ heldBy: process.pid });
  });

  test("is not that of a live process that has the holder's id but began at another time", async () => {
    const { child } = await startHolder();
    const other = { ...holder(), startedAt: "1" };
    writeFileSync(lockFile(), JSON.stringify(other));
    // Without the start only the id is left to go by, and the id is alive.
    const expected = existsSync("/proc/self/stat")
      ? { pid: process.pid }
      : { pid: child.pid, startedAt: "1" };
    HomeLock.acquire(home);
    expect(holder()).toMatchObject(expected);
  });

  test("is not that of a process before this one that had its id, as in a restarted container", () => {
    writeFileSync(lockFile(), JSON.stringify({ pid: process.pid, startedAt: "1", bootId: null }));
    expect(HomeLock.acquire(home)).toBeInstanceOf(HomeLock);
  });

  test("of another boot is taken over, even where its process id is alive here", async () => {
    const { child } = await startHolder();
    const { bootId } = holder();
    writeFileSync(lockFile(), JSON.stringify({ ...holder(), bootId: "another" }));
    const lock = HomeLock.acquire(home);
    if (bootId === null) expect(lock).toEqual({ heldBy: child.pid });
    else expect(lock).toBeInstanceOf(HomeLock);
  });

  test("by id alone holds where the system that wrote it tells no more", async () => {
    const { child } = await startHolder();
    writeFileSync(lockFile(), JSON.stringify({ pid: child.pid, startedAt: null, bootId: null }));
    expect(HomeLock.acquire(home)).toEqual({ heldBy: child.pid });
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
    expect(HomeLock.holder(home)).toBe(child.pid);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(HomeLock.holder(home)).toBeNull();
    expect(holder()).toMatchObject({ pid: child.pid });
    expect(HomeLock.acquire(home)).toBeInstanceOf(HomeLock);
    expect(holder()).toMatchObject({ pid: process.pid });
    expect(readdirSync(home)).toEqual(["platform.pid"]);
  });

  test("of several processes that find a dead one's lock exactly one takes it over", async () => {
    const { child } = await startHolder();
    child.kill("SIGKILL");
    await once(child, "exit");
    const all = await Promise.all(Array.from({ length: 5 }, startHolder));
    expect(all.filter(({ said }) => said === "got it")).toHaveLength(1);
  });

  test.each(["", "no process", "null", "7", '{"pid":-1}', '{"pid":0}', '{"pid":1e99}'])(
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
});
