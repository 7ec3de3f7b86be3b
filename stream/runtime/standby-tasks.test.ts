import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import { StandbyTasks } from "./standby-tasks.ts";
import { probeRows, quiet, RuntimeHome } from "./testing/runtime-home.ts";
import type { Worker } from "./worker.ts";

const never = (): boolean => false;

describe("tasks of others whose state is kept up", () => {
  let home: RuntimeHome;
  /** How many images were asked for at a time. */
  let asked: number[];
  /** Of the images that are asked for next, whether they are there. */
  let failures: Error[];
  let told: string[];
  beforeEach(async () => {
    home = await RuntimeHome.open();
    asked = [];
    failures = [];
    told = [];
  });
  afterEach(() => home.remove());

  function watchedCheckpoints(nonce: string): CheckpointStore {
    const checkpoints = home.checkpoints(nonce);
    return Object.assign(Object.create(checkpoints) as CheckpointStore, {
      images: async (from: Parameters<CheckpointStore["images"]>[0]) => {
        asked.push(from.stateImages.length);
        const failure = failures.shift();
        if (failure === undefined) return checkpoints.images(from);
        const { last } = await checkpoints.images(from);
        // It fails with a part of them applied.
        async function* parts() {
          yield { image: 0, bytes: last ?? new Uint8Array() };
          throw failure;
        }
        return { last, parts: parts() };
      },
    });
  }

  function standBy(): StandbyTasks {
    return new StandbyTasks({
      createTask: (taskId) => home.createTask(taskId, { nonce: "next" }),
      checkpoints: watchedCheckpoints("next"),
      rest: () => Promise.resolve(),
      onReady: (taskIds) => void told.push(`ready: ${taskIds}`),
      onProblem: (taskId, message) => void told.push(`${taskId}: ${message}`),
    });
  }

  async function begin(): Promise<{ readonly worker: Worker; readonly running: Promise<void> }> {
    const { worker } = home.createWorker({ config: quiet });
    await worker.open();
    return { worker, running: worker.run() };
  }

  async function checkpointOf(worker: Worker, values: readonly number[]): Promise<void> {
    await home.append("first", values);
    await worker.drained(await home.ends());
  }

  /** Another worker goes on with the task that was kept up. */
  async function takeUp(standby: StandbyTasks): Promise<void> {
    const task = standby.take("probe");
    expect(task).not.toBeNull();
    const { worker } = home.createWorker({
      nonce: "next",
      config: quiet,
      tasks: task === null ? [] : [task],
      deps: { checkpoints: watchedCheckpoints("next") },
    });
    await worker.open();
    const running = worker.run();
    await home.append("second", [9]);
    await worker.drained(await home.ends());
    worker.stop();
    await running;
  }

  test("are taken up with nothing to read but the newest images, and go on as their owner would", async () => {
    const standby = standBy();
    standby.follow(["probe"]);
    await standby.keepUp(never);
    expect(told).toEqual([]);
    const { worker, running } = await begin();
    await checkpointOf(worker, [1, 2]);
    await standby.keepUp(never);
    await standby.keepUp(never);
    await checkpointOf(worker, [3]);
    await standby.keepUp(never);
    expect(told).toEqual(["ready: probe"]);
    await checkpointOf(worker, [4, 5]);
    worker.stop();
    await running;
    expect(asked).toEqual([1, 1]);
    await takeUp(standby);
    expect(asked).toEqual([1, 1, 1]);
    expect(await home.published()).toEqual(
      probeRows([...[1, 2, 3, 4, 5].map((value) => ["first", value] as const), ["second", 9]]),
    );
    expect(standby.take("probe")).toBeNull();
  });

  test("begin with the full image again behind a failure, which is told once, and not where images were collected", async () => {
    const standby = standBy();
    standby.follow(["probe"]);
    const { worker, running } = await begin();
    await checkpointOf(worker, [1, 2]);
    await standby.keepUp(never);
    await checkpointOf(worker, [3]);
    const gone = new MillraceError("gone", { code: "object-not-found", origin: "external" });
    failures = [new Error("no answer"), new Error("no answer"), gone];
    for (let look = 0; look < 3; look++) await standby.keepUp(never);
    expect(told).toEqual(["ready: probe", "probe: no answer"]);
    worker.stop();
    await running;
    await takeUp(standby);
    // The delta; both images in the looks behind its failure, and when the task is taken up.
    expect(asked).toEqual([1, 1, 2, 2, 2]);
    expect(await home.published()).toEqual(
      probeRows([...[1, 2, 3].map((value) => ["first", value] as const), ["second", 9]]),
    );
  });

  test("are as many as were named last, and left alone once it is over", async () => {
    const standby = standBy();
    const { worker, running } = await begin();
    await checkpointOf(worker, [1]);
    standby.follow(["probe", "other"]);
    standby.follow(["probe"]);
    expect(standby.take("other")).toBeNull();
    await standby.keepUp(() => true);
    expect(asked).toEqual([]);
    await standby.keepUp(never);
    expect(asked).toEqual([1]);
    standby.follow(["probe", "other"]);
    await standby.keepUp(never);
    expect(told).toEqual(["ready: probe"]);
    standby.follow(["probe"]);
    await standby.keepUp(never);
    expect(told).toEqual(["ready: probe", "ready: probe"]);
    expect(asked).toEqual([1]);
    standby.follow([]);
    await standby.keepUp(never);
    expect(standby.take("probe")).toBeNull();
    worker.stop();
    await running;
  });
});
