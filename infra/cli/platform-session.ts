import type { Config } from "../config/index.ts";
import { Platform, type PlatformOptions } from "../platform/platform.ts";
import { type CliIo, createLogger } from "./cli-io.ts";

/**
 * Opens the platform for one command and closes it, whatever happens. A home that is not there is refused,
 * unless the command `makesHome`; `runsWorkers` as in {@link Platform.open}.
 */
export async function withPlatform<T>(
  config: Config,
  io: CliIo,
  options: PlatformOptions,
  use: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = await Platform.open(config, createLogger(config, io), { makesHome: false, ...options });
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
