import { describeDetectors, ONLINE_RETAIL } from "./testing/detector-suite.ts";
import { REES46, scenarioConfig } from "./testing/scenario-home.ts";

describeDetectors({
  name: "embedded",
  freshConfig: async (folder, flags) => scenarioConfig(folder, flags),
  // The log has one order over topics.
  productsSeen: async () => undefined,
  seeds: [1, 2, 3, 4, 5],
  files: [
    ["rees46", REES46],
    ["online-retail", ONLINE_RETAIL],
  ],
});
