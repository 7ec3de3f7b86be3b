import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogContract } from "../ports/catalog.contract.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { tableKey } from "../table/index.ts";
import { createTestLake, PROBE, runPython } from "../table/testing/test-lake.ts";
import { FileCatalog } from "./file-catalog.ts";
import { LocalObjectStore } from "./local-object-store.ts";

catalogContract("files", async () => {
  const home = await mkdtemp(join(tmpdir(), "millrace-catalog-"));
  const objectStore = new LocalObjectStore(home);
  const open = () => new FileCatalog({ objectStore, clock: Date.now });
  return {
    catalog: open(),
    open,
    namespace: "gold",
    location: (table: string) => objectStore.uri(tableKey(table)),
    remove: () => rm(home, { recursive: true, force: true }),
  };
});

/** Opens the table's folder, as who has no catalog does. */
const PYICEBERG_PROPERTY = `
import sys, json
from pyiceberg.table import StaticTable
print(json.dumps(StaticTable.from_metadata(sys.argv[1]).properties["n"]))
`;

describe("file catalog", () => {
  async function lakeWithVersions(count: number) {
    const lake = await createTestLake();
    for (let i = 0; i < count; i++) await setProperty(lake.catalog, String(i));
    const folder = join(lake.home, "lake/gold/probe/metadata");
    return { lake, folder, open: () => new FileCatalog(lake.deps) };
  }

  const setProperty = (catalog: FileCatalog, value: string) =>
    catalog.commit(PROBE, {
      requirements: [],
      updates: [{ action: "set-properties", updates: { n: value } }],
    });

  it("finds the newest version when the hint is behind, missing, broken or names a removed version", async () => {
    const { lake, folder, open } = await lakeWithVersions(4);
    expect(await readFile(join(folder, "version-hint.text"), "utf8")).toBe("5");
    const newest = async () => (await open().load(PROBE))?.metadata.properties?.n;
    for (const hint of ["1", "", "garbage", "99"]) {
      await writeFile(join(folder, "version-hint.text"), hint);
      expect(await newest(), hint).toBe("3");
    }
    await rm(join(folder, "version-hint.text"));
    await rm(join(folder, "v1.metadata.json"));
    expect(await newest()).toBe("3");
    await lake.remove();
  });

  it("brings a hint up to date that a crash left behind, for readers that do not probe", async () => {
    const { lake, folder, open } = await lakeWithVersions(4);
    await writeFile(join(folder, "version-hint.text"), "4");
    await open().load(PROBE);
    expect(await readFile(join(folder, "version-hint.text"), "utf8")).toBe("5");
    await lake.remove();
  });

  it("keeps members that other engines wrote", async () => {
    const { lake, folder, open } = await lakeWithVersions(1);
    const path = join(folder, "v2.metadata.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("{", '{"statistics":[{"snapshot-id":8638203417532903007}],'));
    await setProperty(open(), "next");
    const after = await readFile(join(folder, "v3.metadata.json"), "utf8");
    expect(after).toContain('"statistics":[{"snapshot-id":8638203417532903007}]');
    await lake.remove();
  });

  it("does not let a writer that slept fill the gap that maintenance left", async () => {
    const { lake, folder } = await lakeWithVersions(1);
    const sleeper = new FileCatalog(lake.deps);
    await sleeper.load(PROBE);
    for (let i = 0; i < 3; i++) await setProperty(lake.catalog, `later ${i}`);
    await rm(join(folder, "v3.metadata.json"));
    await setProperty(sleeper, "from the sleeper");
    expect((await lake.catalog.load(PROBE))?.metadata.properties?.n).toBe("from the sleeper");
    expect(JSON.parse(await readFile(join(folder, "v6.metadata.json"), "utf8")).properties.n).toBe(
      "from the sleeper",
    );
    await lake.remove();
  });

  it("keeps a hundred earlier versions of a table, and the table readable by its folder", async () => {
    const { lake, folder, open } = await lakeWithVersions(130);
    const names = (await readdir(folder)).filter((name) => name.endsWith(".metadata.json"));
    const numbers = names.map((name) => Number(/^v(\d+)\./.exec(name)?.[1])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 101 }, (_, i) => 31 + i));
    const { metadata } = (await open().load(PROBE))!;
    expect(metadata["metadata-log"]?.map((entry) => basename(entry["metadata-file"]))).toEqual(
      numbers.slice(0, -1).map((number) => `v${number}.metadata.json`),
    );
    expect(await runPython(PYICEBERG_PROPERTY, join(folder, ".."))).toBe("129");
    await lake.remove();
  });

  it("keeps fewer of them where they are large, and as many as the table says", async () => {
    const { lake, folder } = await lakeWithVersions(0);
    const count = async () =>
      (await readdir(folder)).filter((name) => name.endsWith(".metadata.json")).length;
    const large = "x".repeat(4 * 1024 * 1024);
    for (let i = 0; i < 25; i++) await setProperty(lake.catalog, large + i);
    expect(await count()).toBe(21);
    await lake.catalog.commit(PROBE, {
      requirements: [],
      updates: [{ action: "set-properties", updates: { "write.metadata.previous-versions-max": "3" } }],
    });
    expect(await count()).toBe(4);
    await lake.remove();
  });

  it("does not let a writer that slept before its put believe in a version that others have removed since", async () => {
    const { lake } = await lakeWithVersions(1);
    let isFirst = true;
    const sleepy: ObjectStore = Object.create(lake.objectStore, {
      put: {
        value: async (...args: Parameters<ObjectStore["put"]>) => {
          if (isFirst) for (let i = 0; i < 120; i++) await setProperty(lake.catalog, `later ${i}`);
          isFirst = false;
          return lake.objectStore.put(...args);
        },
      },
    });
    const sleeper = new FileCatalog({ objectStore: sleepy, clock: Date.now });
    await expect(setProperty(sleeper, "lost")).rejects.toMatchObject({ code: "commit-unknown", retry: true });
    expect((await sleeper.load(PROBE))?.metadata.properties?.n).toBe("later 119");
    await setProperty(sleeper, "found");
    expect((await lake.catalog.load(PROBE))?.metadata.properties?.n).toBe("found");
    await lake.remove();
  });

  it("says which file is corrupt", async () => {
    const { lake, folder, open } = await lakeWithVersions(1);
    await writeFile(join(folder, "v2.metadata.json"), '{"format-version": 2, ');
    await expect(open().load(PROBE)).rejects.toMatchObject({ code: "lake-file-corrupt" });
    await lake.remove();
  });
});
