import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
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

/** A port of this machine that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
