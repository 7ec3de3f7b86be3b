import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LocalObjectStore } from "../../lakehouse/adapters/local-object-store.ts";
import type { DemandForecasts } from "../../ml/plugins/forecast/index.ts";
import { OutlookSlot, storeOutlook } from "./stored-outlook.ts";

const DAY = 86_400_000;
const PLACE = { productId: "p", warehouseId: "w" };

let folder: string;
let objects: LocalObjectStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-outlook-"));
  objects = new LocalObjectStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

/** Of all warehouses together two units a day, of one of them as many as given. */
function forecasts(units: number): DemandForecasts[] {
  const figures = Float64Array.of(2, 2, units, units);
  return [
    {
      ...{ step: "day", stepMs: DAY, horizon: 2, startMs: 0 },
      keys: [{ productId: "p", warehouseId: null }, PLACE],
      ...{ mean: figures, lower80: figures, upper80: figures, lower95: figures, upper95: figures },
    },
  ];
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of objects.list("forecasts/")) found.push(key);
  return found;
}

it("a running worker takes up the newest forecast of each warehouse", async () => {
  const slot = new OutlookSlot(objects, (error) => {
    throw error;
  });
  await slot.refresh();
  expect(slot.outlook).toBeNull();
  for (const run of [1, 2, 3]) {
    await storeOutlook(objects, forecasts(run), 1_700_000_000_000 + run);
    await slot.refresh();
    expect(slot.outlook?.of(PLACE)?.mean).toEqual(Float64Array.of(run, run));
  }
  // The newest, and the one before it for who is about to read it.
  expect(await keys()).toHaveLength(2);
});

it("goes on with the last good forecast where a newer one is corrupt, and says so once", async () => {
  const problems: string[] = [];
  const slot = new OutlookSlot(objects, ({ code }) => problems.push(code));
  await storeOutlook(objects, forecasts(5), 1_700_000_000_000);
  await slot.refresh();
  await objects.put("forecasts/demand/0001700000000001", Uint8Array.of(1, 2, 3));
  for (let look = 0; look < 3; look++) await slot.refresh();
  expect(problems).toEqual(["model-corrupt"]);
  expect(slot.outlook?.of(PLACE)?.mean).toEqual(Float64Array.of(5, 5));
});
