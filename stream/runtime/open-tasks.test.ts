import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CheckpointStore, StateImages } from "./checkpoint-store.ts";
import { probeRows, RuntimeHome } from "./testing/runtime-home.ts";
import type { Worker } from "./worker.ts";

describe("a worker that takes over", () => {
  let home: RuntimeHome;
  beforeEach(async () => {
    home = await RuntimeHome.open();
  });
  afterEach(() => home.remove());

  async function drainAndStop(worker: Worker): Promise<void> {
    const running = worker.run();
    await worker.drained(await home.ends());
    worker.stop();
    await running;
  }

  /** A task with a checkpoint that holds state. */
  async function workBefore(): Promise<void> {
    await home.append("first", [1, 2, 3]);
    const { worker } = home.createWorker();
    await worker.open();
    await drainAndStop(worker);
  }

  /** The checkpoints, with images that come when asked for. */
  function withImages(images: (read: () => Promise<StateImages>) => Promise<StateImages>): CheckpointStore {
    const checkpoints = home.checkpoints("next");
    return Object.assign(Object.create(checkpoints) as CheckpointStore, {
      images: (from: Parameters<CheckpointStore["images"]>[0]) => images(() => checkpoints.images(from)),
    });
  }

  test("has claimed its tasks before their state is there, and goes on from that state", async () => {
    await workBefore();
    const claimed = Promise.withResolvers<void>();
    const checkpoints = withImages(async (read) => {
      await claimed.promise;
      return read();
    });
    const steps: string[] = [];
    const { worker } = home.createWorker({ nonce: "next", deps: { checkpoints } });
    await worker.open((step) => {
      steps.push(step);
      if (step === "claimed") claimed.resolve();
    });
    expect(steps).toEqual(["checkpoints found", "published", "claimed", "state restored"]);
    await home.append("second", [4]);
    await drainAndStop(worker);
    expect(await home.published()).toEqual(
      probeRows([
        ["first", 1],
        ["first", 2],
        ["first", 3],
        ["second", 4],
      ]),
    );
  });

  test("fails where its state cannot be read, when its claim is through and not in the middle of it", async () => {
    await workBefore();
    const before = (await home.checkpoints().newest("probe"))?.epoch ?? Number.NaN;
    const lost = new Error("the image is gone");
    const steps: string[] = [];
    const checkpoints = withImages(() => Promise.reject(lost));
    const { worker } = home.createWorker({ nonce: "next", deps: { checkpoints } });
    await expect(worker.open((step) => steps.push(step))).rejects.toBe(lost);
    expect(steps).toEqual(["checkpoints found", "published", "claimed"]);
    const claim = await home.checkpoints().newest("probe");
    expect(claim?.epoch).toBe(before + 1);
    expect(claim?.stateImages.length).toBeGreaterThan(0);
  });
});
