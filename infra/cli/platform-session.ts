import type { Config } from "../config/index.ts";
import { Platform } from "../platform/platform.ts";
import { type CliIo, createLogger } from "./cli-io.ts";

/** Opens the platform for one command and closes it, whatever happens. */
export async function withPlatform<T>(
  config: Config,
  io: CliIo,
  use: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = await Platform.open(config, createLogger(config, io));
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
