import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../operators/testing/drive.ts";
import { type FinishedFile, finishFile } from "../sinks/table-sink.ts";
import { readFiles } from "../sinks/testing/read-files.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import type { Task, TaskCut } from "./task.ts";
import { restore } from "./testing/restore.ts";
import { type ProbeRow, probeRows, RuntimeHome, type Topic } from "./testing/runtime-home.ts";

describe("task", () => {
  let home: RuntimeHome;
  beforeEach(async () => {
    home = await RuntimeHome.open();
  });
  afterEach(() => home.remove());

  async function open(nonce = "n"): Promise<Task> {
    const task = home.createTask("probe", { nonce });
    await restore(task, home.log, home.checkpoints(nonce));
    return task;
  }

  function runDry(task: Task): void {
    while (task.step());
  }

  /** Uploads a cut as the worker does. */
  async function commit(task: Task, cut: TaskCut, store: CheckpointStore): Promise<void> {
    const image = await store.stageImage(cut.taskId, cut.epoch, cut.image);
    const stateImages = [...cut.imagesBefore, image];
    task.noteChain(stateImages, home.nowMs);
    const { taskId, epoch, inputs, watermarkMs, events } = cut;
    const createdAt = home.nowMs;
    await store.prepare({ taskId, epoch, inputs, files: [], stateImages, createdAt, watermarkMs, events });
  }

  /** Chunks of several numbers in an order of topics that only the log knows. */
  async function appendMixed(seed: number, chunks: number): Promise<[Topic, number][]> {
    const random = seededRandom(seed);
    const records: [Topic, number][] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      const topic: Topic = random() < 0.5 ? "first" : "second";
      const values = Array.from({ length: 1 + Math.floor(random() * 5) }, () => Math.floor(random() * 1000));
      await home.append(topic, values);
      for (const value of values) records.push([topic, value]);
    }
    return records;
  }

  test("takes the records of several topics in the order in which the log took them", async () => {
    const records = await appendMixed(1, 40);
    const task = await open();
    runDry(task);
    const expected = probeRows(records);
    expect(task.pipeline.counters().processed).toBe(records.length);
    expect(await digestAfter(task)).toBe(expected.at(-1)?.digest);
    task.close();
  });

  test("keeps that order where an input fills between the looks at it and at a later one", async () => {
    const task = await open();
    const log: [Topic, number][] = [];
    // Whichever input is asked first finds nothing, and by the time the other is asked both have records.
    for (const [early, late] of [
      ["first", "second"],
      ["second", "first"],
    ] as const) {
      await home.append(late, [7]);
      log.push([late, 7]);
      expect(task.step()).toBe(true);
      await home.append(early, [1, 2]);
      await home.append(late, [3]);
      await home.append(early, [4]);
      log.push([early, 1], [early, 2], [late, 3], [early, 4]);
      runDry(task);
    }
    expect(await digestAfter(task)).toBe(probeRows(log).at(-1)?.digest);
    task.close();
  });

  test("an append to an input that was just found empty is taken in the log's order", async () => {
    const task = home.createTask();
    // The log's own readers, with an append at the moment at which the first input was found empty.
    let appendNow: (() => void) | null = null;
    const log = Object.create(home.log) as typeof home.log;
    log.reader = async (topic, partition, offset) => {
      const reader = await home.log.reader(topic, partition, offset);
      const read = reader.read.bind(reader);
      reader.read = (limits) => {
        const batch = read(limits);
        if (topic === "first" && batch === null) appendNow?.();
        return batch;
      };
      return reader;
    };
    await restore(task, log, home.checkpoints());
    const written: Promise<void>[] = [];
    appendNow = () => {
      appendNow = null;
      // 33 MB are committed within the call: the log does not wait for the end of the turn.
      const big = { topic: "first", partition: 0, ...oneRecord(Buffer.alloc(33 << 20, "0")) };
      const small = { topic: "second", partition: 0, ...oneRecord(Buffer.from("5")) };
      written.push(home.log.append([big, small]).then(() => undefined));
    };
    expect(task.step()).toBe(true);
    expect(task.inputs().map(({ offset }) => offset)).toEqual([1, 0]);
    await Promise.all(written);
    runDry(task);
    expect(await digestAfter(task)).toBe(
      probeRows([
        ["first", 0],
        ["second", 5],
      ]).at(-1)?.digest,
    );
    task.close();
  });

  test("a step takes no more than an input's bytes, but one record at least", async () => {
    await home.append("first", [1, 2, 3]);
    await home.append("first", [44, 55, 666]);
    const task = home.createTask();
    Object.assign(task.pipeline.inputs[0], { bytesMax: 2 });
    await restore(task, home.log, home.checkpoints());
    const seen: number[] = [];
    while (task.step()) seen.push(task.inputs()[0].offset);
    expect(seen).toEqual([2, 3, 4, 5, 6]);
    task.close();
  });

  test("positions name the next record to process, not the next to read", async () => {
    await home.append("first", [1, 2, 3]);
    await home.append("second", [4, 5]);
    await home.append("first", [6]);
    const task = await open();
    expect(task.inputs().map(({ offset }) => offset)).toEqual([0, 0]);
    const seen: number[][] = [];
    while (task.step()) seen.push(task.inputs().map(({ offset }) => offset));
    expect(seen).toEqual([
      [3, 0],
      [3, 2],
      [4, 2],
    ]);
    expect(task.recordsSinceCut).toBe(6);
    expect(task.cut().inputs).toEqual(task.inputs());
    expect(task.recordsSinceCut).toBe(0);
    task.close();
  });

  test.each([11, 12, 13])(
    "cut, restored and gone on with at any place, it writes what a straight run writes (seed %i)",
    async (seed) => {
      const records = await appendMixed(seed, 60);
      const random = seededRandom(seed * 31);
      const rows: ProbeRow[] = [];
      let task = await open("0");
      for (let incarnation = 1; rows.length < records.length; incarnation++) {
        const store = home.checkpoints(String(incarnation));
        for (let epochs = 1 + Math.floor(random() * 3); epochs > 0; epochs--) {
          for (let steps = Math.floor(random() * 6); steps > 0; steps--) task.step();
          const cut = task.cut();
          rows.push(...(await rowsOf(cut.files.map(finishFile))));
          await commit(task, cut, store);
        }
        // Killed behind the commit, with work that is done again by the next incarnation.
        task.step();
        task.close();
        task = await open(String(incarnation));
      }
      task.close();
      expect(rows.sort((a, b) => a.position - b.position)).toEqual(probeRows(records));
    },
  );

  test("images form a chain of deltas that ends in a full image before it grows long", async () => {
    const task = await open();
    const store = home.checkpoints();
    const chains: number[] = [];
    for (let epoch = 0; epoch < 50; epoch++) {
      await home.append("first", [epoch]);
      runDry(task);
      const cut = task.cut();
      chains.push(cut.imagesBefore.length);
      await commit(task, cut, store);
      const restored = await open();
      expect(restored.pipeline.counters().processed).toBe(epoch + 1);
      restored.close();
    }
    expect(chains[0]).toBe(0);
    expect(chains[1]).toBe(1);
    expect(Math.max(...chains)).toBeLessThanOrEqual(21);
    expect(chains.slice(1)).toContain(0);
    task.close();
  });

  test("goes on with the chain that it was restored from, which ends in a full image before it grows long", async () => {
    const chains: number[] = [];
    for (let life = 1; life <= 50; life++) {
      const nonce = `life-${life}`;
      const task = await open(nonce);
      expect(task.pipeline.counters().processed).toBe(life - 1);
      await home.append("first", [life]);
      runDry(task);
      const cut = task.cut();
      expect(cut.epoch).toBe(life);
      chains.push(cut.imagesBefore.length);
      await commit(task, cut, home.checkpoints(nonce));
      task.close();
    }
    expect(chains.slice(0, 2)).toEqual([0, 1]);
    expect(Math.max(...chains)).toBeLessThanOrEqual(21);
    expect(chains.slice(1)).toContain(0);
  });

  test("wait resolves when any input has records", async () => {
    const task = await open();
    const waiting = task.wait(60_000);
    await home.append("second", [1]);
    await waiting;
    expect(task.step()).toBe(true);
    task.close();
  });

  async function digestAfter(task: Task): Promise<number | undefined> {
    return (await rowsOf(task.cut().files.map(finishFile))).sort((a, b) => a.position - b.position).at(-1)
      ?.digest;
  }
});

function oneRecord(bytes: Uint8Array) {
  return { count: 1, bytes, starts: Int32Array.of(0), ends: Int32Array.of(bytes.length) };
}

async function rowsOf(files: readonly FinishedFile[]): Promise<ProbeRow[]> {
  const rows = await readFiles(files);
  return rows.map(({ position, topic, value, digest }) => ({ position, topic, value, digest }) as ProbeRow);
}
