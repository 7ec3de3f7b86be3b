import { eventLogContract, eventLogRetentionContract } from "../ports/event-log.contract.ts";
import { LmdbEventLog } from "./lmdb-event-log.ts";
import { temporaryFolder } from "./testing.ts";

async function open() {
  const folder = await temporaryFolder();
  let now = 1000;
  const openLog = (): LmdbEventLog => new LmdbEventLog({ path: folder.path, clock: () => now });
  const harness = {
    log: openLog(),
    prefix: "",
    setNow(ms: number): void {
      now = ms;
    },
    async reopen(): Promise<LmdbEventLog> {
      await harness.log.close();
      harness.log = openLog();
      return harness.log;
    },
    async dispose(): Promise<void> {
      await harness.log.close();
      await folder.remove();
    },
  };
  return harness;
}

eventLogContract("LMDB", open);
eventLogRetentionContract("LMDB", open);
