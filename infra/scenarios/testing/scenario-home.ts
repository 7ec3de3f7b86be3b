import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, loadConfig } from "../../config/index.ts";
import { Platform, type PlatformLogger, type PlatformOptions } from "../../platform/platform.ts";

const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));

/** The public data that the scenarios replay: `MILLRACE_DATA`, or `../shared/data` beside the checkout. */
export function dataFile(path: string): string {
  return resolve(repositoryRoot, process.env.MILLRACE_DATA ?? "../shared/data", path);
}

export const REES46 = "clickstream/rees46-2019-10-01-first3h.csv.gz";
/** The UTC day of its events. */
export const REES46_DAY = "2019-10-01";

/** A fresh folder; remove it with {@link removeFolder}. */
export function freshFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `millrace-${name}-`));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The defaults of a fresh installation, with the given settings; nothing of the caller's environment. */
export function scenarioConfig(home: string, flags: Partial<Config> = {}): Config {
  return loadConfig({ environment: {}, folder: home, flags: { ...flags, home } }).config;
}

/** Keeps what a platform complained about, so that a test can say that it did not. */
export class CollectedLog implements PlatformLogger {
  readonly complaints: string[] = [];

  info(): void {}

  warn(_fields: object, message: string): void {
    this.complaints.push(message);
  }

  error(_fields: object, message: string): void {
    this.complaints.push(message);
  }
}

/** Runs the real platform on a home while `use` runs, then stops it gracefully. */
export async function withPlatform<T>(
  config: Config,
  use: (platform: Platform) => Promise<T>,
  options: PlatformOptions = {},
): Promise<T> {
  const log = new CollectedLog();
  const platform = await Platform.open(config, log, options);
  let result: T;
  try {
    await platform.startWorkers();
    result = await use(platform);
  } finally {
    await platform.close();
  }
  if (log.complaints.length > 0) throw new Error(`the platform complained:\n${log.complaints.join("\n")}`);
  return result;
}
