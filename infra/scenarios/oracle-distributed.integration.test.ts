import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { viewName } from "../../schema/index.ts";
import { loadInto } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { connectionSettings } from "../servers/local-servers.ts";
import { testServers, uniqueName } from "../servers/test-servers.ts";
import { apiAnswers } from "./testing/api-answers.ts";
import { describeDbt } from "./testing/dbt-suite.ts";
import { type Connections, freshDistributedConfig } from "./testing/distributed-config.ts";
import { makeReports } from "./testing/make-reports.ts";
import { describeOracles } from "./testing/oracle-suite.ts";
import {
  dataFile,
  freshFolder,
  REES46,
  REES46_DAY,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "./testing/scenario-home.ts";
import { describeViews } from "./testing/view-suite.ts";
import { describeViewsCommand } from "./testing/views-command-suite.ts";

const SERVERS = ["kafka", "minio", "catalog", "redis", "trino"] as const;
/** More and smaller files than in production, so that the tests wait less. */
const FLAGS = { workers: 2, checkpointIntervalMs: 1_000 };

let answers: Awaited<ReturnType<typeof apiAnswers>> = {};

async function freshConfig(home: string, flags: Partial<Config>): Promise<Config> {
  await testServers.start(SERVERS);
  const connections = connectionSettings(testServers, SERVERS) as Connections;
  return freshDistributedConfig(home, uniqueName("oracle"), connections, { ...FLAGS, ...flags });
}

describeOracles({
  name: "distributed",
  freshConfig: (folder, flags) => freshConfig(join(folder, "home"), flags),
  // Trino reads every table.
  lakeReaders: ["query engine"],
  async whenReplayed(platform) {
    answers = await apiAnswers(platform);
  },
});

// Here, since tables have fixed names: two test files would take each other's.
describeViews({
  name: "distributed",
  freshConfig: (home) => freshConfig(home, { partitions: 2 }),
  relations: {
    engine: (view) => `{${viewName(view)}}`,
    // As whoever uses Trino finds them, where the start of the platform has put them.
    trino: ({ namespace, name }) => `"lake"."${namespace}"."${name}"`,
  },
  also(lake) {
    describeViewsCommand(lake);
    describeDbt(lake);
  },
});

describe("the same GraphQL operations", () => {
  it("give the same answers as in embedded mode", async () => {
    const folder = freshFolder("oracle-api");
    try {
      const config = scenarioConfig(join(folder, "home"), { partitions: 2 });
      const embedded = await withPlatform(config, async (platform) => {
        await loadInto(platform.log, "rees46", dataFile(REES46), { now: Date.now, endOfInput: true });
        await platform.waitUntilProcessed();
        await makeReports(platform, [REES46_DAY]);
        return apiAnswers(platform);
      });
      expect(Object.keys(answers)).toEqual(Object.keys(embedded));
      for (const [operation, answer] of Object.entries(embedded)) {
        expect(answers[operation], operation).toEqual(answer);
      }
    } finally {
      removeFolder(folder);
    }
  });
});
