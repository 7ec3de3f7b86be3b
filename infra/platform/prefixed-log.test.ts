import { LmdbEventLog } from "../../stream/adapters/index.ts";
import { eventLogContract } from "../../stream/ports/event-log.contract.ts";
import { freshFolder, removeFolder } from "../scenarios/testing/scenario-home.ts";
import { createPrefixedLog } from "./prefixed-log.ts";

eventLogContract("with prefixed names", async () => {
  const path = freshFolder("prefixed");
  const open = () => createPrefixedLog(new LmdbEventLog({ path, clock: Date.now }), "shop-a.");
  const harness = {
    log: open(),
    prefix: "",
    async reopen() {
      await harness.log.close();
      harness.log = open();
      return harness.log;
    },
    async dispose() {
      await harness.log.close();
      removeFolder(path);
    },
  };
  return harness;
});
