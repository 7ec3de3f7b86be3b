import { utimes } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dataFileKey, ensureTables, type StagedFile } from "../../lakehouse/index.ts";
import { goldPopularProducts, tableName } from "../../schema/index.ts";
import { CheckpointStore } from "../../stream/index.ts";
import { freshFolder, removeFolder } from "../scenarios/testing/scenario-home.ts";
import { type Adapters, retryEnvironment } from "./adapters.ts";
import { openEmbeddedAdapters } from "./embedded-adapters.ts";

const TABLE = tableName(goldPopularProducts);
const DAY_MS = 86_400_000;

describe("maintenance of a home", () => {
  let home: string;
  let adapters: Adapters;
  beforeEach(() => {
    home = freshFolder("maintenance");
    adapters = openEmbeddedAdapters(home, Date.now);
  });
  afterEach(async () => {
    await adapters.close();
    removeFolder(home);
  });

  async function putAged(key: string, ageMs: number): Promise<void> {
    await adapters.objects.put(key, Buffer.from("rows"));
    const then = new Date(Date.now() - ageMs);
    await utimes(adapters.objects.uri(key), then, then);
  }

  test("removes what killed puts left half-written an hour ago, wherever in the home", async () => {
    const folders = ["lake/gold/popular_products/data", "checkpoints/events-0/state", "checkpoints/events-0"];
    for (const folder of folders) {
      await putAged(`${folder}/.put-old`, 61 * 60_000);
      await putAged(`${folder}/.put-young`, 59 * 60_000);
    }
    await adapters.maintainLake({});
    for (const folder of folders) {
      expect(await adapters.objects.head(`${folder}/.put-old`), folder).toBeNull();
      expect(await adapters.objects.head(`${folder}/.put-young`), folder).not.toBeNull();
    }
  });

  test("keeps old files of a prepared checkpoint that is not published, and removes other ones", async () => {
    const { objects, catalog } = adapters;
    await ensureTables([goldPopularProducts], {
      catalog,
      objectStore: objects,
      clock: Date.now,
      ...retryEnvironment,
    });
    const keyOf = (name: string) => dataFileKey(TABLE, { field: "day", day: 20_000 }, name);
    for (const name of ["prepared", "abandoned"]) await putAged(keyOf(name), 4 * DAY_MS);
    const file: StagedFile = {
      table: TABLE,
      key: keyOf("prepared"),
      rows: 1,
      bytes: 4,
      day: 20_000,
      columns: [],
      splitOffsets: [],
    };
    await new CheckpointStore(objects, "killed").prepare({
      taskId: "insights",
      epoch: 7,
      inputs: [],
      files: [file],
      stateImages: [],
      createdAt: 0,
      watermarkMs: null,
      events: { processed: 0, refused: 0, duplicates: 0, late: 0, tooLate: 0 },
    });
    const reports = await adapters.maintainLake({});
    expect(reports).toMatchObject([{ table: TABLE, orphans: { objects: 1 } }]);
    expect(await objects.head(keyOf("prepared"))).not.toBeNull();
    expect(await objects.head(keyOf("abandoned"))).toBeNull();
  });
});
