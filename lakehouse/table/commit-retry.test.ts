import { setImmediate as settle } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { commitConflict } from "./apply-updates.ts";
import { retryCommit } from "./commit-retry.ts";

/** Time that passes when everybody waits. */
class VirtualTime {
  now = 0;
  private readonly sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.sleepers.push({ until: this.now + ms, wake }));
  }

  async runUntil(done: Promise<unknown>): Promise<void> {
    let isDone = false;
    done.finally(() => {
      isDone = true;
    });
    for (await settle(); !isDone; await settle()) {
      this.sleepers.sort((a, b) => b.until - a.until);
      const next = this.sleepers.pop();
      if (next === undefined) continue;
      this.now = next.until;
      next.wake();
    }
  }
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Retries of each commit of writers that commit one after the other without a pause. */
async function race(options: {
  readonly writers: number;
  readonly commits: number;
  readonly attemptMs: number;
  readonly seed: number;
}): Promise<number[]> {
  const time = new VirtualTime();
  const random = seededRandom(options.seed);
  const retries: number[] = [];
  let head = 0;
  const write = async (): Promise<void> => {
    for (let done = 0; done < options.commits; done++) {
      let tries = 0;
      await retryCommit(
        "gold.probe",
        { clock: () => time.now, sleep: (ms) => time.sleep(ms), random },
        async () => {
          tries++;
          const seen = head;
          await time.sleep(options.attemptMs * (0.7 + 0.6 * random()));
          if (seen !== head) throw commitConflict("gold.probe", "the head moved");
          head++;
        },
      );
      retries.push(tries - 1);
    }
  };
  await time.runUntil(Promise.all(Array.from({ length: options.writers }, write)));
  return retries.sort((a, b) => a - b);
}

const AWAY = { code: "catalog-unreachable", origin: "external", retry: true } as const;

describe("retries of commits that race", () => {
  it.each([20, 100, 400])(
    "are at most 3 in 95 of 100 commits of eight writers whose attempts take %i ms",
    async (attemptMs) => {
      for (let seed = 1; seed <= 400; seed++) {
        const retries = await race({ writers: 8, commits: 12, attemptMs, seed: seed * 7_919 });
        expect(retries).toHaveLength(96);
        expect(retries[Math.ceil(retries.length * 0.95) - 1], `seed ${seed}`).toBeLessThanOrEqual(3);
      }
    },
  );

  it("are none for one writer", async () => {
    expect(new Set(await race({ writers: 1, commits: 20, attemptMs: 50, seed: 1 }))).toEqual(new Set([0]));
  });

  it("are told, each with what the try before failed with", async () => {
    const told: string[] = [];
    const left = [commitConflict("gold.probe", "moved"), new MillraceError("no answer", AWAY)];
    await retryCommit(
      "gold.probe",
      {
        sleep: () => Promise.resolve(),
        random: () => 0,
        onRetry: (table, code) => told.push(`${table} ${code}`),
      },
      async () => {
        const error = left.shift();
        if (error !== undefined) throw error;
      },
    );
    expect(told).toEqual(["gold.probe commit-conflict", "gold.probe catalog-unreachable"]);
  });

  /** Waits between tries that fail with the errors in turn, each after so long. */
  async function waitsAfter(errors: readonly MillraceError[], attemptMs: number): Promise<number[]> {
    const time = new VirtualTime();
    const waits: number[] = [];
    const sleep = (ms: number): Promise<void> => {
      waits.push(ms);
      return time.sleep(ms);
    };
    const left = [...errors];
    const done = retryCommit("gold.probe", { clock: () => time.now, sleep, random: () => 0.99 }, async () => {
      await time.sleep(attemptMs);
      const error = left.shift();
      if (error !== undefined) throw error;
    });
    await time.runUntil(done);
    return waits;
  }

  it("come within a second where the catalog was away, however long an attempt waited for it", async () => {
    const away = new MillraceError("no answer", AWAY);
    const waits = await waitsAfter(Array(10).fill(away), 10_000);
    expect(waits).toHaveLength(10);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
    expect(waits[9]).toBeGreaterThan(waits[0]);
  });

  it("come within a second where the race was lost behind an outage", async () => {
    const [wait] = await waitsAfter([commitConflict("gold.probe", "the head moved")], 10_000);
    expect(wait).toBeLessThanOrEqual(1_000);
  });
});
