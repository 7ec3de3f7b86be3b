import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Config } from "../config/index.ts";
import { distributedConfig } from "../scenarios/testing/distributed-config.ts";
import { type OwnCatalog, startOwnCatalog } from "../servers/own-catalog.ts";
import { uniqueName } from "../servers/test-servers.ts";
import { GroupWorker } from "./group-worker.ts";
import { Platform } from "./platform.ts";
import type { StepTimes } from "./step-times.ts";

const SHARED = ["kafka", "minio", "redis"] as const;
const POLL = { timeout: 60_000, interval: 50 };
const WARM = "has a warm thread to spare";
const WORKS = "works on its tasks";
const CAUGHT_UP = "has caught up with its tasks";
const STANDS_BY = "stands by for tasks of others";

/** A member of the group, and what it told. */
class Member {
  readonly told: { readonly message: string; readonly tasks: readonly string[]; readonly ms: StepTimes }[] =
    [];
  private worker: GroupWorker | null = null;
  private running: Promise<void> = Promise.resolve();

  async join(config: Config): Promise<void> {
    const tell = (fields: object, message: string): void =>
      void this.told.push({ tasks: [], ms: {}, ...fields, message });
    this.worker = await GroupWorker.open(config, { info: tell, warn: tell, error: tell });
    this.running = this.worker.run(() => undefined);
  }

  async leave(): Promise<void> {
    await this.worker?.stop();
    await this.running;
  }

  /** Resolves when it has told so, of its tasks at that time or of any. */
  async has(message: string, taskId?: string): Promise<StepTimes> {
    const found = () =>
      this.told.find(
        (line) => line.message === message && (taskId === undefined || line.tasks.includes(taskId)),
      );
    await expect.poll(found, POLL).toBeDefined();
    return found()?.ms ?? {};
  }

  get messages(): string[] {
    return this.told.map(({ message }) => message);
  }

  count(message: string): number {
    return this.messages.filter((told) => told === message).length;
  }
}

describe("workers of one group, with warm threads to spare", () => {
  let config: Config;
  let catalog: OwnCatalog;
  let platform: Platform;
  beforeAll(async () => {
    catalog = await startOwnCatalog(SHARED);
    config = distributedConfig("unused", uniqueName("spare"), catalog.connections, {
      trinoUrl: "http://127.0.0.1:1",
      partitions: 2,
      workers: 0,
      warmSpare: true,
    });
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    platform = await Platform.open(config, quiet);
  });
  afterAll(async () => {
    await platform.close();
    await catalog.remove();
  });

  it("the first begins at once, the next joins when it is ready, and what that leaves goes to the spare", async () => {
    const first = new Member();
    const next = new Member();
    try {
      await first.join(config);
      expect(await first.has(WORKS)).toHaveProperty("thread started");
      expect(first.messages).not.toContain(WARM);
      await first.has(WARM);
      await next.join(config);
      expect(await next.has(WORKS)).toHaveProperty("spare thread taken");
      // A thread for what it is given, and one for what the other keeps, each with the state of that.
      const before = next.messages.slice(0, next.messages.indexOf(WORKS));
      expect(before.filter((message) => [WARM, STANDS_BY].includes(message)).sort()).toEqual(
        [WARM, WARM, STANDS_BY, STANDS_BY].sort(),
      );
      const left = next.told.find(({ message }) => message === WORKS)?.tasks[0] as string;
      // One more: what the first kept has begun anew on the one that it had.
      await expect.poll(() => first.count(WARM), POLL).toBe(2);
      await first.has(STANDS_BY, left);
      const until = first.told.length;
      await next.leave();
      const again = () =>
        first.told.slice(until).find(({ message, tasks }) => message === WORKS && tasks.includes(left));
      await expect.poll(again, POLL).toBeDefined();
      expect(again()?.ms).toHaveProperty("spare thread taken");
      await first.has(CAUGHT_UP, left);
    } finally {
      await next.leave();
      await first.leave();
    }
  });
});
