import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hotBatchOf } from "../../sinks/hot-batch-writer.ts";
import { RedisHotStore } from "./redis-hot-store.ts";

const UNREACHABLE = { code: "hot-store-unreachable", retry: true };

describe("a hot store whose Redis is away", () => {
  let silent: Server;
  beforeAll(async () => {
    silent = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => silent.close());

  /** Nobody listens at the first. */
  const addresses = { absent: () => 1, silent: () => (silent.address() as AddressInfo).port };

  it.each([
    { isCluster: false, server: "absent" },
    { isCluster: false, server: "silent" },
    { isCluster: true, server: "absent" },
    { isCluster: true, server: "silent" },
  ] as const)(
    "closes with writes under way (cluster: $isCluster, $server)",
    async ({ isCluster, server }) => {
      const store = new RedisHotStore({
        url: `redis://127.0.0.1:${addresses[server]()}`,
        ...{ isCluster, random: () => 0.5, callMsMax: 100 },
      });
      const write = store.putMany(hotBatchOf("scores", { a: "1" }, 60_000));
      await expect(write).rejects.toMatchObject(UNREACHABLE);
      await store.close();
      await expect(store.get("scores", "a")).rejects.toMatchObject(UNREACHABLE);
    },
  );
});
