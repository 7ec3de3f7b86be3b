import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StagedCommit } from "../../ports/staged-file.ts";
import { createLakePublisher } from "../../table/index.ts";
import { createTestLake, PROBE, probeTable, type TestLake } from "../../table/testing/test-lake.ts";
import { maintainTablesByTrino } from "./trino-maintenance.ts";

describe("what maintenance asks Trino for", () => {
  let lake: TestLake;
  let server: Server;
  let procedures: string[];
  let statements: string[];
  beforeEach(async () => {
    lake = await createTestLake();
    procedures = [];
    statements = [];
    // Takes every statement as Trino does, and does nothing.
    server = createServer(async (request, response) => {
      const statement = await text(request);
      statements.push(statement);
      procedures.push(/EXECUTE (\w+)/.exec(statement)?.[1] ?? "");
      response.setHeader("content-type", "application/json").end(JSON.stringify({ id: "1" }));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(async () => {
    server.close();
    await lake.remove();
  });

  const maintain = (prepared: readonly StagedCommit[]) =>
    maintainTablesByTrino([probeTable], {
      ...lake.deps,
      prepared,
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      user: "test",
      trinoCatalog: "lake",
    });

  it("removes no orphans of a table that lacks files of a prepared checkpoint, and says why", async () => {
    const commit = { taskId: "t", epoch: 3, files: [await lake.stage({ from: 0, to: 10, day: 20_000 })] };
    const [report] = await maintain([commit]);
    expect(procedures).toEqual(["optimize", "expire_snapshots"]);
    expect(report.orphans.warning).toMatch(
      /^gold\.probe: .* checkpoint 3 of task t has prepared 1 of its files/,
    );

    await createLakePublisher({ ...lake.deps, tables: [probeTable] }).publish([commit]);
    procedures = [];
    const [published] = await maintain([commit]);
    expect(procedures).toEqual(["optimize", "expire_snapshots", "remove_orphan_files"]);
    expect(published.orphans.warning).toBeUndefined();
  });

  const setProperties = (updates: Readonly<Record<string, string>>) =>
    lake.catalog.commit(PROBE, { requirements: [], updates: [{ action: "set-properties", updates }] });

  it("keeps snapshots as long as the table says, and all files where it says that none may be deleted", async () => {
    await setProperties({ "history.expire.max-snapshot-age-ms": "12345" });
    await maintain([]);
    expect(statements[1]).toContain("expire_snapshots(retention_threshold => '12345ms')");
    procedures = [];
    await setProperties({ "gc.enabled": "false" });
    const [report] = await maintain([]);
    expect(procedures).toEqual(["optimize"]);
    expect(report).toMatchObject({ expiry: { snapshots: 0 }, orphans: { objects: 0 } });
  });

  it("removes them where a prepared checkpoint has files of other tables only", async () => {
    const file = await lake.stage({ from: 0, to: 10, day: 20_000 });
    await maintain([{ taskId: "t", epoch: 3, files: [{ ...file, table: `${PROBE}_other` }] }]);
    expect(procedures).toContain("remove_orphan_files");
  });
});
