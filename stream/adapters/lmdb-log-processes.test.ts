import {
  type ChildProcess,
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRecords } from "../ports/event-log.contract.ts";
import { LmdbEventLog } from "./lmdb-event-log.ts";
import { type LogErrand, RECORDS_PER_APPEND, SHARED_TOPIC } from "./log-processes.fixture.ts";
import { temporaryFolder } from "./testing.ts";

const FIXTURE = new URL("./log-processes.fixture.ts", import.meta.url);
const ROUNDS = 20;

const OUTPUT: SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioNull> = {
  stdio: ["ignore", "pipe", "inherit"],
};

interface Runner {
  readonly done: Promise<void>;
  readonly process?: ChildProcess;
}

function inProcess(errand: LogErrand, hear: (line: string) => void): Runner {
  return listen(spawn(process.execPath, [fileURLToPath(FIXTURE), JSON.stringify(errand)], OUTPUT), hear);
}

/** A process that cannot write files of more than so many KiB: what it meets is a full disk. */
function inProcessWithFileLimit(errand: LogErrand, kib: number, hear: (line: string) => void): Runner {
  const command = `ulimit -f ${kib * 2}; exec "$0" "$@"`;
  const args = ["-c", command, process.execPath, fileURLToPath(FIXTURE), JSON.stringify(errand)];
  return listen(spawn("sh", args, OUTPUT), hear);
}

function listen(child: ChildProcess & { stdout: Readable }, hear: (line: string) => void): Runner {
  createInterface({ input: child.stdout }).on("line", hear);
  const done = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      code === 0 || signal === "SIGKILL"
        ? resolve()
        : reject(new Error(`child ended with ${code ?? signal}`)),
    );
  });
  return { done, process: child };
}

function inThread(errand: LogErrand, hear: (line: string) => void): Runner {
  const worker = new Worker(FIXTURE, { workerData: { errand } });
  worker.on("message", hear);
  const done = new Promise<void>((resolve, reject) => {
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`worker ended with ${code}`))));
  });
  return { done };
}

describe("LmdbEventLog shared by threads and processes", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let log: LmdbEventLog;

  beforeEach(async () => {
    folder = await temporaryFolder();
    log = new LmdbEventLog({ path: folder.path, clock: Date.now });
    await log.createTopics([{ name: SHARED_TOPIC, partitions: 2, retentionMs: null, retentionBytes: null }]);
  });
  afterEach(async () => {
    await log.close();
    await folder.remove();
  });

  /** All records of both partitions, with their chunk's sequence; checks that offsets are dense. */
  const readAll = async (from: LmdbEventLog = log): Promise<{ value: string; sequence: number }[]> => {
    const all: { value: string; sequence: number }[] = [];
    for (const partition of [0, 1]) {
      const { end } = await from.offsets(SHARED_TOPIC, partition);
      const records = await readRecords(await from.reader(SHARED_TOPIC, partition, 0), end);
      expect(records.map((record) => record.offset)).toEqual(Array.from({ length: end }, (_, i) => i));
      const order = records.map((record) => record.sequence);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      all.push(...records);
    }
    return all;
  };
  const expected = (name: string, batches: number): string[] =>
    Array.from({ length: batches }, (_, batch) =>
      Array.from({ length: RECORDS_PER_APPEND }, (_, i) => `${name}/${batch}/${i}`),
    ).flat();

  it("takes appends of several threads and processes at once, each record once", async () => {
    const count = 60;
    const writers = ["t1", "t2", "p1", "p2"].map((name) => {
      const run = name.startsWith("t") ? inThread : inProcess;
      return run({ kind: "append", path: folder.path, name, count }, () => undefined).done;
    });
    await Promise.all(writers);
    const records = await readAll();
    const values = ["t1", "t2", "p1", "p2"].flatMap((name) => expected(name, count));
    expect(records.map((record) => record.value).sort()).toEqual(values.sort());
    // One chunk per append and partition: the sequence numbers all of them without a hole.
    expect(new Set(records.map((record) => record.sequence)).size).toBe(4 * count * 2);
    expect(Math.max(...records.map((record) => record.sequence))).toBe(4 * count * 2);
  });

  for (const [where, run] of [
    ["a worker thread", inThread],
    ["another process", inProcess],
  ] as const) {
    it(`wakes a tailing reader in ${where}, and one here by its appends`, async () => {
      const heard: string[] = [];
      let ready = (): void => undefined;
      const started = new Promise<void>((resolve) => {
        ready = resolve;
      });
      const tailer = run({ kind: "tail", path: folder.path, count: 15 }, (line) =>
        line === "ready" ? ready() : heard.push(line),
      );
      await started;
      const reading = log
        .reader(SHARED_TOPIC, 0, 0)
        .then((reader) => readRecords(reader, 15))
        .then((records) => records.map((record) => record.value));
      await run({ kind: "append", path: folder.path, name: "w", count: 3 }, () => undefined).done;
      await tailer.done;
      expect(heard).toEqual(await reading);
    });
  }

  it("fails an append as a whole where the disk is full, and goes on", async () => {
    const heard: string[] = [];
    const sizes = [100, 1 << 20, 32 << 20, 200];
    await inProcessWithFileLimit({ kind: "fill", path: folder.path, sizes }, 8192, (line) => heard.push(line))
      .done;
    expect(heard).toEqual(["appended", "appended", "log-write-failed", "appended"]);
    const records = await readRecords(await log.reader(SHARED_TOPIC, 0, 0), 3);
    expect(records.map((record) => record.value.length)).toEqual([100, 1 << 20, 200]);
    expect((await log.offsets(SHARED_TOPIC, 0)).end).toBe(3);
  });

  it(`keeps every acknowledged append exactly once over ${ROUNDS} SIGKILLs at random moments`, async () => {
    let acknowledged = -1;
    for (let round = 0; round < ROUNDS; round++) {
      const stopAfter = acknowledged + 1 + ((round * 37) % 60);
      let killing = false;
      const writer = inProcess({ kind: "append", path: folder.path, name: "k", count: 1_000_000 }, (line) => {
        acknowledged = Math.max(acknowledged, Number(line));
        if (acknowledged < stopAfter || killing) return;
        killing = true;
        // The kill reaches the child in some later append, at a moment that only the scheduler knows.
        setTimeout(() => writer.process?.kill("SIGKILL"), round % 4);
      });
      await writer.done;
      const last = await log.producerSequence("k");
      expect(last, `round ${round}`).toBeGreaterThanOrEqual(acknowledged);
      const records = await readAll();
      expect(records.map((record) => record.value).sort()).toEqual(expected("k", last + 1).sort());
      expect(new Set(records.map((record) => record.sequence)).size).toBe((last + 1) * 2);
      expect(Math.max(...records.map((record) => record.sequence))).toBe((last + 1) * 2);
      acknowledged = last;
    }
    // The log goes on where it stands, for one that opens it afresh too.
    await log.close();
    log = new LmdbEventLog({ path: folder.path, clock: Date.now });
    // A kill between LMDB's meta page and its lock table leaves one last append, never acknowledged,
    // that only whoever opens the log afresh sees.
    const last = await log.producerSequence("k");
    expect(last - acknowledged).toBeLessThanOrEqual(1);
    const { end } = await log.offsets(SHARED_TOPIC, 0);
    expect(end).toBe(((last + 1) * RECORDS_PER_APPEND) / 2);
    expect((await readAll(log)).map((record) => record.value).sort()).toEqual(expected("k", last + 1).sort());
  });
});
