import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { RestCatalog } from "../../lakehouse/adapters/rest/index.ts";
import { TrinoQueryEngine } from "../../lakehouse/adapters/trino/index.ts";
import { testServer } from "../servers/test-servers.ts";
import { assertReadsLake } from "./lake-check.ts";

const random = Math.random;

test.each([["no_such"], ["tpch"]])(
  "a Trino whose catalog %s is not the lake's is found at the start, with the setting to change",
  async (trinoCatalog) => {
    const { url, user } = await testServer("trino");
    const { uri } = await testServer("catalog");
    const catalog = new RestCatalog({ uri, auth: { kind: "none" }, clock: Date.now, sleep, random });
    const engine = new TrinoQueryEngine({ server: url, user, trinoCatalog, catalog, sleep, random });
    try {
      // A query of no table knows nothing of it.
      await engine.query("SELECT 1 AS one", []);
      await expect(assertReadsLake(engine, { trinoCatalog, catalogUri: uri })).rejects.toMatchObject({
        code: "query-engine-misconfigured",
        retry: false,
        message: expect.stringMatching(`catalog "${trinoCatalog}".*set trinoCatalog.*${uri}`) as string,
      });
    } finally {
      await engine.close();
    }
  },
);
