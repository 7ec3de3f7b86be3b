import { join } from "node:path";
import { describeDeadLetters } from "./testing/dead-letter-suite.ts";
import { scenarioConfig } from "./testing/scenario-home.ts";

describeDeadLetters({
  name: "embedded",
  freshConfig: async (folder) => scenarioConfig(join(folder, "home"), { checkpointIntervalMs: 1_000 }),
});
