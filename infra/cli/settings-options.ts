import { type Command, Option } from "commander";
import {
  type Config,
  flagName,
  type LoadedConfig,
  loadConfig,
  type Setting,
  type SettingKey,
  settings,
} from "../config/index.ts";
import type { CliIo } from "./cli-io.ts";

const KEYS = Object.keys(settings) as SettingKey[];
const ALWAYS_SHOWN: readonly SettingKey[] = ["home", "mode", "logLevel"];

/** Gives a command a flag for every setting; the help names the usual ones and those of `shown`. */
export function withSettings(command: Command, shown: readonly SettingKey[] = []): Command {
  for (const key of KEYS) {
    const setting: Setting = settings[key];
    const value = setting.type === "boolean" ? " [true|false]" : ` <${setting.type}>`;
    const option = new Option(`${flagName(key)}${value}`, `${setting.doc} (default: ${setting.default})`);
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
  return loadConfig({ flags, environment: io.environment, folder: io.folder });
}

export function configOf(options: Readonly<Record<string, unknown>>, io: CliIo): Config {
  return loadedConfigOf(options, io).config;
}
