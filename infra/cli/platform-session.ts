import type { Config } from "../config/index.ts";
import { Platform, type PlatformOptions } from "../platform/platform.ts";
import { type CliIo, createLogger, type Interruption, openUnlessInterrupted } from "./cli-io.ts";

export interface SessionOptions extends PlatformOptions {
  /** Ends the process where it comes before the platform is open; then it is the command's. */
  readonly interruption?: Interruption;
}

/**
 * Opens the platform for one command and closes it, whatever happens. One that is not there is refused,
 * unless the command `makesHome`; `runsWorkers` as in {@link Platform.open}.
 */
export async function withPlatform<T>(
  config: Config,
  io: CliIo,
  { interruption, ...options }: SessionOptions,
  use: (platform: Platform) => Promise<T>,
): Promise<T> {
  const opening = Platform.open(config, createLogger(config, io), { makesHome: false, ...options });
  const platform = await (interruption === undefined
    ? opening
    : openUnlessInterrupted(opening, interruption, io));
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
