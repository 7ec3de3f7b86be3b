import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { defineTable, tableName } from "../../schema/index.ts";
import { renderDbtSources } from "./dbt-sources.ts";
import { lakeTables } from "./lake-tables.ts";
import { renderTables } from "./table-reference.ts";

test("the tables' page is up to date (node infra/platform/write-table-reference.ts)", () => {
  expect(readFileSync(new URL("../../schema/tables.md", import.meta.url), "utf8")).toBe(renderTables());
});

test("the sources of the dbt project are up to date (node infra/platform/write-table-reference.ts)", () => {
  const page = new URL("../../lakehouse/dbt/models/sources.yml", import.meta.url);
  expect(readFileSync(page, "utf8")).toBe(renderDbtSources());
});

test("it has every table once, with every column", () => {
  const page = renderTables();
  for (const table of lakeTables) {
    const [, section] = page.split(`### ${tableName(table)}\n`);
    const rows = section.split("\n### ")[0].match(/^\| `.*$/gm) ?? [];
    expect(rows.map((row) => row.split("`")[1])).toEqual(table.columns.map(({ name }) => name));
    expect(page.split(`### ${tableName(table)}\n`)).toHaveLength(2);
  }
});

test("it says which rows hold, what a contract allows, and keeps a bar in a text out of the columns", () => {
  const table = defineTable({
    namespace: "gold",
    name: "shown",
    doc: "Shown.",
    partitionByDayOf: "at",
    key: ["at", "rank"],
    correctedBy: ["at"],
    nothingWhenZero: "views",
    columns: [
      ["at", "timestamptz", "required", "When."],
      ["views", "long", "optional", "Of |a| and b."],
      ["revision", "int", "required", "Counts."],
    ],
  });
  const page = renderTables([table]);
  expect(page).toContain(
    "Partition: day of `at`. Key: `at`, `rank`. Of the rows with one `at`, those of the highest `revision` hold. One that holds with `views` 0 says that nothing is there. `gold.shown_current` has the rows that hold.",
  );
  expect(page).toContain("| `views` | long | yes | Of \\|a\\| and b. |");
  expect(renderTables()).toMatch(
    /^\| `event_type` \| string \| no \| .* One of page_view, .*purchase\. \|$/m,
  );
});
