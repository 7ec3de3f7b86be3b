import { join } from "node:path";
import { viewName } from "../../schema/index.ts";
import { describeOracles } from "./testing/oracle-suite.ts";
import { scenarioConfig } from "./testing/scenario-home.ts";
import { describeViews } from "./testing/view-suite.ts";

describeOracles({
  name: "embedded",
  freshConfig: async (folder, flags) => scenarioConfig(join(folder, "home"), flags),
  lakeReaders: ["iceberg extension", "iceberg extension", "query engine"],
});

describeViews({
  name: "embedded",
  freshConfig: async (folder) => scenarioConfig(folder, { partitions: 2 }),
  relations: { engine: (view) => `{${viewName(view)}}` },
});
