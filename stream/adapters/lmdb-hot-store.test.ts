import { expect, it } from "vitest";
import { hotStoreContract } from "../ports/hot-store.contract.ts";
import { LmdbHotStore } from "./lmdb-hot-store.ts";
import { temporaryFolder } from "./testing.ts";

async function open() {
  const folder = await temporaryFolder();
  let now = 1_000_000;
  const openStore = (): LmdbHotStore => new LmdbHotStore({ path: folder.path, clock: () => now });
  const harness = {
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
  const entries = Array.from({ length: 10_000 }, (_, i) => ({
    namespace: "scores",
    key: `user-${i}`,
    value: "{}",
    ttlMs: i % 100 === 0 ? 10 : 1_000_000,
  }));
  await store.putMany(entries);
  await elapse(11);
  let removed = 0;
  for (let steps = 0; steps < 100; steps++) removed += await store.sweep(20);
  expect(removed).toBe(100);
  await dispose();
});
