import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { temporaryFolder } from "../adapters/testing.ts";
import { type Checkpoint, CheckpointStore, checkpointKey } from "./checkpoint-store.ts";

const TASK = "events-1";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("checkpoint store", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let objects: LocalObjectStore;
  let store: CheckpointStore;
  beforeEach(async () => {
    folder = await temporaryFolder();
    objects = new LocalObjectStore(folder.path);
    store = new CheckpointStore(objects, "one");
  });
  afterEach(() => folder.remove());

  /** Copies: a part ends with the next one. */
  async function textsOf(checkpoint: Checkpoint): Promise<string[]> {
    const texts: string[] = [];
    for await (const { bytes } of (await store.images(checkpoint)).parts)
      texts.push(Buffer.from(bytes).toString());
    return texts;
  }

  async function keys(): Promise<string[]> {
    const found: string[] = [];
    for await (const { key } of objects.list("checkpoints/")) found.push(key.replace("checkpoints/", ""));
    return found;
  }

  /** Stages an image and prepares the epoch over the chain of images before it. */
  async function prepare(
    epoch: number,
    before: readonly string[] = [],
    owner: CheckpointStore = store,
    taskId: string = TASK,
  ): Promise<Checkpoint> {
    const image = await owner.stageImage(taskId, epoch, [bytes(`image of ${epoch}`)]);
    const checkpoint: Checkpoint = {
      taskId,
      epoch,
      inputs: [{ topic: "customer-events", partition: 1, offset: epoch * 100 }],
      files: [],
      stateImages: [...before, image],
      createdAt: epoch,
      watermarkMs: epoch * 1000,
      events: { processed: epoch, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
    };
    await owner.prepare(checkpoint);
    return checkpoint;
  }

  test("refuses a checkpoint of a later format, and reads those of versions that told none", async () => {
    const checkpoint = await prepare(3);
    const key = checkpointKey(TASK, 3);
    const stored = JSON.parse(Buffer.from(await objects.get(key)).toString());
    expect(stored.format).toBe(1);
    const put = (object: unknown) => objects.put(key, bytes(JSON.stringify(object)));
    const { format: _, ...early } = stored;
    await put(early);
    expect(await store.newest(TASK)).toEqual(checkpoint);
    await put({ ...stored, format: 2 });
    await expect(store.newest(TASK)).rejects.toMatchObject({
      code: "checkpoint-newer",
      message: expect.stringMatching(
        /format 2, and this version reads up to 1: run the newer version/,
      ) as string,
    });
  });

  test("tells the newest of all tasks, also of one that goes on between the listing and the read", async () => {
    expect(await store.newestOfAll()).toEqual([]);
    await store.stageImage("events-0", 1, [bytes("staged, then killed")]);
    await prepare(1);
    const [second, other] = [await prepare(2), await prepare(5, [], store, "insights")];
    expect(await store.newestOfAll()).toEqual([second, other]);

    const { get } = objects;
    let third: Checkpoint | null = null;
    objects.get = async (key) => {
      if (third === null && key.includes(TASK)) {
        third = await prepare(3);
        await store.collect(third);
      }
      return get.call(objects, key);
    };
    const found = await store.newestOfAll();
    expect(found).toEqual([third, other]);
  });

  test("has none for a fresh task, an image that no checkpoint names notwithstanding", async () => {
    expect(await store.newest(TASK)).toBeNull();
    await store.stageImage(TASK, 1, [bytes("staged, then killed")]);
    expect(await store.newest(TASK)).toBeNull();
  });

  test("finds the newest of many, by number and not by text, and no other task's", async () => {
    for (const epoch of [1, 2, 9, 10, 99, 100, 1000]) await prepare(epoch);
    await prepare(5000, [], store, "events-11");
    await prepare(6000, [], store, "events-");
    expect(await store.newest(TASK)).toMatchObject({ taskId: TASK, epoch: 1000 });
    expect(await store.newest("events-11")).toMatchObject({ epoch: 5000 });
  });

  test("gives back what was prepared, and its images in the order of the chain", async () => {
    const first = await prepare(1);
    const second = await prepare(2, first.stateImages);
    const third = await prepare(3, second.stateImages);
    expect(await store.newest(TASK)).toEqual(third);
    expect(await textsOf(third)).toEqual(["image of 1", "image of 2", "image of 3"]);
    expect(Buffer.from((await store.images(third)).last ?? []).toString()).toBe("image of 3");
  });

  test("gives back the parts of an image, and refuses one that is cut off", async () => {
    const parts = [bytes("first"), new Uint8Array(0), bytes("third")];
    const key = await store.stageImage(TASK, 1, parts);
    const checkpoint = { ...(await prepare(2)), stateImages: [key] };
    expect(await textsOf(checkpoint)).toEqual(["first", "", "third"]);
    const whole = await objects.get(key);
    await objects.put("checkpoints/cut-off", whole.subarray(0, whole.length - 1));
    await expect(store.images({ ...checkpoint, stateImages: ["checkpoints/cut-off"] })).rejects.toMatchObject(
      { code: "state-mismatch" },
    );
  });

  test("gives back images of many parts and of none, large and small", async () => {
    const imageOf = (parts: number) =>
      Array.from({ length: parts }, (_, i) => new Uint8Array(i === 7 ? 3_000_000 : i * 100).fill(i + 1));
    const sizes = [40, 0, 3];
    const stateImages: string[] = [];
    for (const [i, parts] of sizes.entries())
      stateImages.push(await store.stageImage(TASK, i + 1, imageOf(parts)));
    const checkpoint = { ...(await prepare(9)), stateImages };
    const expected = sizes.flatMap(imageOf).map((part) => Buffer.from(part).toString());
    expect(await textsOf(checkpoint)).toEqual(expected);
    const { last, parts } = await store.images(checkpoint);
    let newest: Uint8Array | null = null;
    for await (const { bytes } of parts) newest = bytes;
    expect(newest).toBe(last);
    expect((await store.images({ ...checkpoint, stateImages: [] })).last).toBeNull();
  });

  test("rejects where an image is lost, also one that is not waited for any more", async () => {
    const first = await prepare(1);
    const second = await prepare(2, first.stateImages);
    await objects.delete(first.stateImages);
    const { last, parts } = await store.images(second);
    expect(Buffer.from(last ?? []).toString()).toBe("image of 2");
    await expect(parts[Symbol.asyncIterator]().next()).rejects.toThrow(first.stateImages[0]);
    await objects.delete(second.stateImages);
    await expect(store.images(second)).rejects.toThrow(second.stateImages[1]);
  });

  test("fences the second of two owners of one epoch, and keeps the first one's checkpoint whole", async () => {
    const other = new CheckpointStore(objects, "two");
    const first = await prepare(1);
    await expect(prepare(1, [], other)).rejects.toMatchObject({ code: "task-fenced" });
    expect(await store.newest(TASK)).toEqual(first);
    expect(await textsOf(first)).toEqual(["image of 1"]);
  });

  test("of 10 owners that race for an epoch exactly one prepares it", async () => {
    const owners = Array.from({ length: 10 }, (_, i) => new CheckpointStore(objects, `owner-${i}`));
    const results = await Promise.allSettled(owners.map((owner) => prepare(1, [], owner)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "task-fenced" });
    }
  });

  test("fences a zombie whose next epoch the new owner has prepared, left behind and collected", async () => {
    await prepare(1);
    const owner = new CheckpointStore(objects, "two");
    const second = await prepare(2, [], owner);
    const third = await prepare(3, second.stateImages, owner);
    await owner.collect(third);
    expect(await keys()).not.toContain(`${TASK}/000000000002.json`);
    await expect(prepare(2)).rejects.toMatchObject({ code: "task-fenced" });
    expect(await store.newest(TASK)).toEqual(third);
    expect(await textsOf(third)).toHaveLength(2);
    const fourth = await prepare(4, [], owner);
    await owner.collect(fourth);
    expect(await keys()).toEqual([`${TASK}/000000000004.json`, `${TASK}/state/000000000004-two.image`]);
  });

  test("collects exactly what recovery from the checkpoint does not need", async () => {
    const first = await prepare(1);
    const second = await prepare(2, first.stateImages);
    await prepare(7, [], store, "events-11");
    await store.collect(second);
    expect(await keys()).toEqual([
      `${TASK}/000000000002.json`,
      `${TASK}/state/000000000001-one.image`,
      `${TASK}/state/000000000002-one.image`,
      "events-11/000000000007.json",
      "events-11/state/000000000007-one.image",
    ]);
    // A full image ends the chain: the images before it are garbage.
    const third = await prepare(3);
    await store.collect(third);
    expect((await keys()).filter((key) => key.startsWith(`${TASK}/`))).toEqual([
      `${TASK}/000000000003.json`,
      `${TASK}/state/000000000003-one.image`,
    ]);
  });

  test("never collects what a later epoch has staged or prepared already", async () => {
    const first = await prepare(1);
    const next = new CheckpointStore(objects, "two");
    const staged = await next.stageImage(TASK, 2, [bytes("image of 2")]);
    await store.collect(first);
    const second = { ...first, epoch: 2, stateImages: [...first.stateImages, staged] };
    await next.prepare(second);
    // The collection of the first epoch is late, as a slow worker's is.
    await store.collect(first);
    expect(await next.newest(TASK)).toEqual(second);
    expect(await textsOf(second)).toHaveLength(2);
  });

  test("is not disturbed by what crashes leave, and collects it with a later epoch", async () => {
    await prepare(1);
    await new CheckpointStore(objects, "killed-before-prepare").stageImage(TASK, 2, [bytes("lost")]);
    // Killed between prepare and collect: the older checkpoint is still there.
    const second = await prepare(2);
    expect(await store.newest(TASK)).toEqual(second);
    await store.collect(second);
    const third = await prepare(3, second.stateImages);
    await store.collect(third);
    expect(await keys()).toEqual([
      `${TASK}/000000000003.json`,
      `${TASK}/state/000000000002-one.image`,
      `${TASK}/state/000000000003-one.image`,
    ]);
    await store.collect(third);
    expect(await textsOf(third)).toHaveLength(2);
  });
});
