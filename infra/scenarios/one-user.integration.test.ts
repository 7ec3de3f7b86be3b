import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { loadInto } from "../../stream/index.ts";
import { freshFolder, removeFolder, scenarioConfig, withPlatform } from "./testing/scenario-home.ts";

const folder = freshFolder("one-user");
afterAll(() => removeFolder(folder));

it("a file of one user closes all windows, though the other partitions have no event", async () => {
  const file = join(folder, "one.ndjson");
  const bought = { eventType: "purchase", userId: "u", productId: "p", categoryId: "c", orderId: "o" };
  const event = {
    ...bought,
    eventId: "e",
    eventTime: Date.UTC(2024, 4, 1),
    priceMinor: 250,
    currency: "EUR",
  };
  writeFileSync(file, JSON.stringify(event));
  const rows = await withPlatform(
    scenarioConfig(join(folder, "home"), { partitions: 3 }),
    async (platform) => {
      await loadInto(platform.log, "ndjson", file, { now: Date.now, endOfInput: true });
      await platform.waitUntilProcessed();
      const { rows: found } = await platform.queryEngine.query(
        `SELECT category_id, revenue_minor::INTEGER AS revenue FROM {gold.revenue_by_category}
       UNION ALL SELECT metric, value::INTEGER FROM {gold.metrics} WHERE metric = 'events:purchase'`,
        [],
      );
      return found;
    },
  );
  expect(rows).toEqual([
    { category_id: "c", revenue: 250 },
    { category_id: "events:purchase", revenue: 1 },
  ]);
});
