import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { hotStoreContract } from "../ports/hot-store.contract.ts";
import { hotBatchOf } from "../sinks/hot-batch-writer.ts";
import { LmdbHotStore } from "./lmdb-hot-store.ts";
import { temporaryFolder } from "./testing.ts";

async function open() {
  const folder = await temporaryFolder();
  let now = 1_000_000;
  const openStore = (): LmdbHotStore => new LmdbHotStore({ path: folder.path, clock: () => now });
  const harness = {
    path: folder.path,
    store: openStore(),
    prefix: "",
    async elapse(ms: number): Promise<void> {
      now += ms;
    },
    async reopen(): Promise<LmdbHotStore> {
      await harness.store.close();
      harness.store = openStore();
      return harness.store;
    },
    async dispose(): Promise<void> {
      await harness.store.close();
      await folder.remove();
    },
  };
  return harness;
}

hotStoreContract("LMDB", open);

it("sweeps the whole store in bounded steps, however few of its entries are expired", async () => {
  const { store, elapse, dispose } = await open();
  const users = Array.from({ length: 10_000 }, (_, i) => i);
  const batch = (wanted: (i: number) => boolean, ttlMs: number) =>
    hotBatchOf("scores", Object.fromEntries(users.filter(wanted).map((i) => [`user-${i}`, "{}"])), ttlMs);
  await store.putMany(batch((i) => i % 100 === 0, 10));
  await store.putMany(batch((i) => i % 100 !== 0, 1_000_000));
  await elapse(11);
  let removed = 0;
  for (let steps = 0; steps < 100; steps++) removed += await store.sweep(20);
  expect(removed).toBe(100);
  await dispose();
});

it("begins anew after a restart of the machine, and removes what is left of before", async () => {
  const { path, remove } = await temporaryFolder();
  const contentOf = async (bootId: string | null): Promise<string | null> => {
    const store = new LmdbHotStore({ path, clock: () => 1_000_000, bootId });
    const found = await store.get("scores", "user");
    await store.putMany(hotBatchOf("scores", { user: `of ${bootId}` }, 1000));
    await store.close();
    return found;
  };
  expect(await contentOf("first")).toBeNull();
  expect(await contentOf("first")).toBe("of first");
  expect(await contentOf("second")).toBeNull();
  expect(readdirSync(path)).toEqual(["boot-second"]);
  expect(await contentOf(null)).toBeNull();
  expect(await contentOf(null)).toBe("of null");
  await remove();
});

it("keeps what was put when the process is killed right after", async () => {
  const { path, store, dispose } = await open();
  await store.putMany(hotBatchOf("scores", { before: "1" }, 1000));
  const script = `
    import { LmdbHotStore } from ${JSON.stringify(new URL("./lmdb-hot-store.ts", import.meta.url))};
    import { hotBatchOf } from ${JSON.stringify(new URL("../sinks/hot-batch-writer.ts", import.meta.url))};
    const store = new LmdbHotStore({ path: ${JSON.stringify(path)}, clock: () => 1_000_000 });
    const entries = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => ["user-" + i, String(i)]));
    await store.putMany(hotBatchOf("scores", entries, 1000));
    process.kill(process.pid, "SIGKILL");
  `;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect([child.signal, child.stderr]).toEqual(["SIGKILL", ""]);
  expect(await store.getMany("scores", ["before", "user-0", "user-4999"])).toEqual(["1", "0", "4999"]);
  await store.putMany(hotBatchOf("scores", { after: "2" }, 1000));
  expect(await store.get("scores", "after")).toBe("2");
  await dispose();
});
