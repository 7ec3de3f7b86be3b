import { describe, expect, it } from "vitest";
import type { ObjectStore } from "../ports/object-store.ts";
import { TableLayout } from "./layout.ts";
import type { TableMetadata } from "./table-metadata.ts";

const KEY = "lake/gold/probe/data/x.parquet";

function layout(storeBase: string, location: string): TableLayout {
  const store = { uri: (key: string) => storeBase + key } as ObjectStore;
  return new TableLayout("gold.probe", { location } as TableMetadata, store);
}

describe("addresses of a table's files", () => {
  it.each([
    ["/data/", "/data/lake/gold/probe", "/data/lake/gold/probe/data/x.parquet"],
    ["/data/", "/old/lake/gold/probe", "/old/lake/gold/probe/data/x.parquet"],
    // Moved to the folder that it was in, and into one of its own.
    ["/data/", "/data/.millrace/lake/gold/probe", "/data/.millrace/lake/gold/probe/data/x.parquet"],
    ["/data/copy/", "/data/lake/gold/probe", "/data/lake/gold/probe/data/x.parquet"],
    ["s3://b/p/", "s3://b/p/lake/gold/probe", "s3://b/p/lake/gold/probe/data/x.parquet"],
    // Created by another engine in a place of its own choice: files may lie anywhere in the store.
    ["s3://b/p/", "s3://b/p/gold.db/probe-1f", "s3://b/p/lake/gold/probe/data/x.parquet"],
  ])("in %s for a table at %s lead to the object and back", (storeBase, location, uri) => {
    expect(layout(storeBase, location).uri(KEY)).toBe(uri);
    expect(layout(storeBase, location).keyOf(uri)).toBe(KEY);
  });

  it("reads what was written before addresses of a home in its parent folder were translated", () => {
    expect(layout("/data/", "/data/.millrace/lake/gold/probe").keyOf(`/data/${KEY}`)).toBe(KEY);
  });

  it("reads what another engine wrote beside its table", () => {
    expect(layout("s3://b/p/", "s3://b/p/gold.db/probe-1f").keyOf("s3://b/p/gold.db/probe-1f/data/y")).toBe(
      "gold.db/probe-1f/data/y",
    );
  });

  it("refuses a table in a bucket that is not this lake's", () => {
    expect(() => layout("s3://b/p/", "s3://other/lake/gold/probe")).toThrow(
      expect.objectContaining({ code: "table-location-foreign", origin: "user" }),
    );
  });
});
