import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import { ensureTables } from "../../lakehouse/index.ts";
import { retryEnvironment } from "./adapters.ts";
import { assertLakeMade } from "./lake-check.ts";
import { lakeTables } from "./lake-tables.ts";

it("a catalog without the lake is refused, with the settings to check", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-lake-check-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const objectStore = new LocalObjectStore(folder);
  const catalog = new FileCatalog({ objectStore, clock: Date.now });
  const where = { catalogUri: "http://catalog:8181" };
  await expect(assertLakeMade(catalog, where)).rejects.toMatchObject({
    code: "table-missing",
    message: expect.stringMatching(/http:..catalog:8181 has no table.*millrace up.*catalogUri/) as string,
  });
  await ensureTables(lakeTables, { catalog, objectStore, ...retryEnvironment });
  await assertLakeMade(catalog, where);
});
