import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { objectStoreContract } from "../ports/object-store.contract.ts";
import { LocalObjectStore } from "./local-object-store.ts";

async function create() {
  const root = await mkdtemp(join(tmpdir(), "millrace-objects-"));
  const store = new LocalObjectStore(join(root, "not", "yet", "there"));
  return { store, root, remove: () => rm(root, { recursive: true, force: true }) };
}

objectStoreContract("local files", create);

describe("local object store", () => {
  it("leaves no temporary files, also after a refused put", async () => {
    const { store, root, remove } = await create();
    await store.put("a", Buffer.from("x"));
    await store.put("a", Buffer.from("x"), { ifAbsent: true }).catch(() => {});
    expect(await readdir(join(root, "not/yet/there"))).toEqual(["a"]);
    await remove();
  });

  it("does not list what a killed put left, and removes it when it is old", async () => {
    const { store, root, remove } = await create();
    await store.put("f/a", Buffer.from("x"));
    const folder = join(root, "not/yet/there/f");
    const now = Date.now();
    for (const [name, age] of [
      [".put-old", 7_200_000],
      [".put-young", 0],
    ] as const) {
      await writeFile(join(folder, name), "half");
      await utimes(join(folder, name), (now - age) / 1000, (now - age) / 1000);
    }
    const listed: string[] = [];
    for await (const { key } of store.list("")) listed.push(key);
    expect(listed).toEqual(["f/a"]);
    expect(await store.removeTemporaryFiles(now, 3_600_000)).toBe(1);
    expect((await readdir(folder)).sort()).toEqual([".put-young", "a"]);
    await remove();
  });

  it("refuses keys that leave its folder", async () => {
    const { store, remove } = await create();
    await expect(store.put("../escape", Buffer.from("x"))).rejects.toMatchObject({
      code: "object-key-invalid",
    });
    await expect(store.get("/etc/passwd")).rejects.toMatchObject({ code: "object-key-invalid" });
    await remove();
  });
});
