import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestLake, PROBE, probeTable, runPython, type TestLake } from "./lake.fixture.ts";
import { createLakePublisher } from "./publisher.ts";
import { currentSnapshot } from "./table-metadata.ts";

const PYICEBERG_SUM = `
import sys, json
from pyiceberg.table import StaticTable
t = StaticTable.from_metadata(sys.argv[1])
a = t.scan().to_arrow()
print(json.dumps({"rows": a.num_rows, "ids": sorted(a.column("id").to_pylist()), "nulls": a.column("text").null_count}))
`;

describe("lake publisher", () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
  });
  afterEach(() => lake.remove());

  it("adds staged files once per task and epoch, as PyIceberg reads it", async () => {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const commits = [
      { taskId: "customer-events-0", epoch: 1, files: [await lake.stage({ from: 0, to: 10, day: 20_000 })] },
      { taskId: "customer-events-1", epoch: 4, files: [await lake.stage({ from: 10, to: 25, day: 20_001 })] },
    ];
    await publisher.publish(commits);
    await publisher.publish(commits);
    const table = await lake.catalog.load(PROBE);
    expect(table?.metadata.snapshots).toHaveLength(1);
    expect(currentSnapshot(table!.metadata)?.summary).toMatchObject({
      operation: "append",
      "added-records": "25",
      "total-records": "25",
      "total-data-files": "2",
      "millrace.task.customer-events-0": "1",
    });
    expect(table?.metadata.properties).toMatchObject({ "millrace.task.customer-events-1": "4" });
    const read = await runPython(PYICEBERG_SUM, table!.metadataLocation);
    expect(read).toEqual({ rows: 25, ids: Array.from({ length: 25 }, (_, i) => i), nulls: 9 });
  });
});
