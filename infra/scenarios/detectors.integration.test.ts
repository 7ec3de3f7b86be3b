import { describeDetectors } from "./testing/detector-suite.ts";
import { scenarioConfig } from "./testing/scenario-home.ts";

describeDetectors({
  name: "embedded",
  freshConfig: async (folder, flags) => scenarioConfig(folder, flags),
  // The log has one order over topics.
  productsSeen: async () => undefined,
  seeds: [1, 2, 3, 4, 5],
});
