import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder for one test. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "millrace-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A log of the contract suites in a new folder, on a clock that stands still until it is set. */
export async function logHarness<L extends { close(): Promise<void> }>(
  open: (path: string, clock: () => number) => L,
) {
  const folder = await temporaryFolder();
  let now = 1000;
  const openLog = (): L => open(folder.path, () => now);
  const harness = {
    log: openLog(),
    prefix: "",
    setNow(ms: number): void {
      now = ms;
    },
    async reopen(): Promise<L> {
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
