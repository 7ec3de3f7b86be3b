import { join } from "node:path";
import { describeOracles } from "./testing/oracle-suite.ts";
import { scenarioConfig } from "./testing/scenario-home.ts";

describeOracles({
  name: "embedded",
  freshConfig: async (folder, flags) => scenarioConfig(join(folder, "home"), flags),
  lakeReaders: ["iceberg extension", "iceberg extension", "query engine"],
});
