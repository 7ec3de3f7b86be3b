import { type Command, Option } from "commander";
import type { Setting } from "../../schema/index.ts";
import {
  CONFIG_FILE,
  type Config,
  flagName,
  type LoadedConfig,
  loadConfig,
  type SettingKey,
  settings,
} from "../config/index.ts";
import type { CliIo } from "./cli-io.ts";

const KEYS = Object.keys(settings) as SettingKey[];
const ALWAYS_SHOWN: readonly SettingKey[] = ["home", "mode", "logLevel"];

/**
 * Gives a command a flag for every setting but secrets, which must not stand on a command line; the
 * help names the usual ones and those of `shown`.
 */
export function withSettings(command: Command, shown: readonly SettingKey[] = []): Command {
  command.option("--config <file>", `the configuration file (default: ${CONFIG_FILE} here or in the home)`);
  for (const key of KEYS) {
    const setting: Setting = settings[key];
    if (setting.type === "secret") continue;
    const value = setting.type === "boolean" ? " [true|false]" : ` <${setting.type}>`;
    const option = new Option(`${flagName(key)}${value}`, description(setting));
    option.attributeName = () => key;
    if (setting.type === "boolean") option.preset("true");
    if (!ALWAYS_SHOWN.includes(key) && !shown.includes(key)) option.hideHelp();
    command.addOption(option);
  }
  return command;
}

/** The configuration of a command line. Throws `config-invalid` with every problem. */
export function loadedConfigOf(options: Readonly<Record<string, unknown>>, io: CliIo): LoadedConfig {
  const flags = Object.fromEntries(
    KEYS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  );
  const file = typeof options.config === "string" ? options.config : undefined;
  return loadConfig({ flags, environment: io.environment, folder: io.folder, file });
}

export function configOf(options: Readonly<Record<string, unknown>>, io: CliIo): Config {
  return loadedConfigOf(options, io).config;
}

function description({ doc, default: value }: Setting): string {
  return String(value) === "" ? doc : `${doc} (default: ${value})`;
}
