import { currentViewsContract } from "../ports/current-views.contract.ts";
import { createTestLake } from "../table/testing/test-lake.ts";
import { DuckDbQueryEngine } from "./duckdb-query-engine.ts";

currentViewsContract("DuckDB over Iceberg files", async () => {
  const lake = await createTestLake();
  return {
    deps: lake.deps,
    name: "revised",
    open: (view) => new DuckDbQueryEngine({ ...lake.deps, views: [view] }),
    remove: () => lake.remove(),
  };
});
