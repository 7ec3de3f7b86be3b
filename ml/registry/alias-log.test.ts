import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import type { ObjectStore } from "../../lakehouse/index.ts";
import { type AliasDecision, AliasLog, championsBefore } from "./alias-log.ts";

let folder: string;
let store: ObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-aliases-"));
  store = new LocalObjectStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const logOf = (objects = store): AliasLog => new AliasLog(objects, "models/p", "p");
const champion = (to: string | null, action: AliasDecision["action"] = "promote"): AliasDecision => ({
  action,
  alias: "champion",
  to,
  by: "ann",
  reason: "better",
  forced: false,
  gate: null,
});

/** The store, with its conditional puts replaced. */
function storeWith(put: (key: string, bytes: Uint8Array) => Promise<void>): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === "put") return put;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("the aliases of a plugin", () => {
  it("are the sum of their changes, each with who, when, why, from and to", async () => {
    expect(await logOf().newest()).toBeNull();
    await logOf().append(Date.UTC(2026, 0, 1), () => champion("a"));
    await logOf().append(0, () => ({ ...champion("b", "challenge"), alias: "challenger" }));
    expect(await logOf().newest()).toMatchObject({ aliases: { champion: "a", challenger: "b" } });
    // Who becomes champion challenges no more.
    await logOf().append(0, () => champion("b"));
    const changes = await logOf().changes();
    expect(changes[0]).toMatchObject({
      sequence: 1,
      at: "2026-01-01T00:00:00.000Z",
      by: "ann",
      from: null,
      to: "a",
    });
    expect(changes[2]).toMatchObject({ from: "a", to: "b", aliases: { champion: "b", challenger: null } });
    expect(await logOf().hasChangeAfter(2)).toBe(true);
    expect(await logOf().hasChangeAfter(3)).toBe(false);
  });

  it("take 8 changes made at the same time one after the other, each from what the one before left", async () => {
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const made = await Promise.allSettled(names.map((name) => logOf().append(0, () => champion(name))));
    const changes = await logOf().changes();
    expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, i) => i + 1));
    expect(changes).toHaveLength(made.filter(({ status }) => status === "fulfilled").length);
    expect(changes.slice(1).map(({ from }) => from)).toEqual(changes.slice(0, -1).map(({ to }) => to));
  });

  it("are as before where the put fails, and changed once where only its answer is lost", async () => {
    await logOf().append(0, () => champion("a"));
    const down = logOf(storeWith(() => Promise.reject(new Error("connection refused"))));
    await expect(down.append(0, () => champion("b"))).rejects.toThrow("connection refused");
    expect(await logOf().changes()).toHaveLength(1);
    // The client of the store repeats the put, and is refused for what it wrote itself.
    const deaf = storeWith(async (key, bytes) => {
      await store.put(key, bytes, { ifAbsent: true });
      await store.put(key, bytes, { ifAbsent: true });
    });
    expect(await logOf(deaf).append(0, () => champion("b"))).toMatchObject({ sequence: 2, from: "a" });
    expect(await logOf().changes()).toHaveLength(2);
  });

  it("give up, and say so, where others are always first", async () => {
    const others = logOf();
    const late = storeWith(async (key, bytes) => {
      await others.append(0, () => champion("other"));
      await store.put(key, bytes, { ifAbsent: true });
    });
    await expect(logOf(late).append(0, () => champion("mine"))).rejects.toMatchObject({
      code: "model-alias-busy",
      retry: true,
    });
    expect(await others.changes()).toHaveLength(8);
  });

  it("are whole after the process that changes them was killed", async () => {
    const module = fileURLToPath(new URL("./alias-log.ts", import.meta.url));
    const storeModule = fileURLToPath(
      new URL("../../lakehouse/adapters/local-object-store.ts", import.meta.url),
    );
    const program = `
      import { AliasLog } from ${JSON.stringify(module)};
      import { LocalObjectStore } from ${JSON.stringify(storeModule)};
      const log = new AliasLog(new LocalObjectStore(${JSON.stringify(folder)}), "models/p", "p");
      const decision = ${JSON.stringify(champion("a"))};
      for (let i = 0; ; i++) {
        await log.append(i, ({ champion }) => ({ ...decision, to: champion === "a" ? "b" : "a" }));
        process.stdout.write(".");
      }`;
    let acknowledged = 0;
    for (let kill = 0; kill < 3; kill++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const enough = 5 + kill;
      let dots = 0;
      child.stdout.on("data", (piece: Buffer) => {
        dots += piece.length;
        if (dots >= enough) child.kill("SIGKILL");
      });
      await once(child, "close");
      acknowledged += dots;
    }
    const changes = await logOf().changes();
    // What was acknowledged is there, and at most the one of each kill that was not heard of.
    expect(changes.length).toBeGreaterThanOrEqual(acknowledged);
    expect(changes.length).toBeLessThanOrEqual(acknowledged + 3);
    expect(changes.slice(1).map(({ from }) => from)).toEqual(changes.slice(0, -1).map(({ to }) => to));
    await logOf().append(0, () => champion("after"));
    expect((await logOf().newest())?.aliases.champion).toBe("after");
  });
});

it("roll-backs walk back over the champions, each once", async () => {
  const log = logOf();
  for (const to of ["a", "b", "c"]) await log.append(0, () => champion(to));
  expect(championsBefore(await log.changes())).toEqual(["b", "a", null]);
  await log.append(0, () => champion("b", "rollback"));
  expect(championsBefore(await log.changes())).toEqual(["a", null]);
  await log.append(0, () => champion("d"));
  expect(championsBefore(await log.changes())).toEqual(["b", "a", null]);
});
