import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import { environmentName, flagName, parseSetting } from "./setting.ts";
import { type Config, type SettingKey, settings } from "./settings.ts";

export const CONFIG_FILE = "millrace.config.json";

export interface ConfigSources {
  /** Values given on the command line, by setting. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder in which the configuration file is looked for first. */
  readonly folder: string;
}

/** Where the value of a setting came from. */
export type ConfigOrigin = "default" | "file" | "environment" | "flag";

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<SettingKey, ConfigOrigin>>;
  /** The configuration file that was read, or null. */
  readonly file: string | null;
}

/**
 * Flags over environment over file over defaults. The file is `millrace.config.json` in the current
 * folder or else in the home folder. Throws `config-invalid` with every problem at once.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const home = String(
    sources.flags?.home ?? sources.environment[environmentName("home")] ?? settings.home.default,
  );
  const { file, values } = readConfigFile([sources.folder, resolve(sources.folder, home)], problems);
  const config: Record<string, unknown> = {};
  const origins: Record<string, ConfigOrigin> = {};
  for (const key of Object.keys(settings) as SettingKey[]) {
    const [raw, origin] = firstGiven(key, values, sources);
    const parsed = origin === "default" ? { value: raw } : parseSetting(settings[key], raw);
    if ("problem" in parsed)
      problems.push(`${nameIn(origin, key, file)} ${parsed.problem}, not ${JSON.stringify(raw)}`);
    else config[key] = parsed.value;
    origins[key] = origin;
  }
  const known = config as unknown as Config;
  if (problems.length === 0) problems.push(...crossProblems(known));
  if (problems.length > 0) throw invalid(problems);
  const loaded = { ...known, home: resolve(sources.folder, known.home) };
  return { config: loaded, origins: origins as Record<SettingKey, ConfigOrigin>, file };
}

function firstGiven(
  key: SettingKey,
  file: Readonly<Record<string, unknown>>,
  { flags, environment }: ConfigSources,
): [unknown, ConfigOrigin] {
  if (flags?.[key] !== undefined) return [flags[key], "flag"];
  const variable = environment[environmentName(key)];
  if (variable !== undefined && variable !== "") return [variable, "environment"];
  return key in file ? [file[key], "file"] : [settings[key].default, "default"];
}

function readConfigFile(
  folders: readonly string[],
  problems: string[],
): { file: string | null; values: Record<string, unknown> } {
  const file = folders.map((folder) => join(folder, CONFIG_FILE)).find((path) => existsSync(path)) ?? null;
  if (file === null) return { file, values: {} };
  try {
    const values: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      problems.push(`${file} must hold one JSON object`);
      return { file, values: {} };
    }
    for (const key of Object.keys(values)) {
      if (!(key in settings)) problems.push(`${file}: there is no setting ${JSON.stringify(key)}`);
    }
    return { file, values: values as Record<string, unknown> };
  } catch (error) {
    problems.push(
      `${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
    return { file, values: {} };
  }
}

/** Rules that hold between settings. */
function crossProblems(config: Config): string[] {
  const problems: string[] = [];
  if (config.pageViewsWindowMs % config.pageViewsAdvanceMs !== 0) {
    problems.push(
      `pageViewsWindowMs (${config.pageViewsWindowMs}) must be a multiple of pageViewsAdvanceMs (${config.pageViewsAdvanceMs})`,
    );
  }
  for (const key of ["flashSaleWindowMs", "popularWindowMs"] as const) {
    if (config[key] % 60_000 !== 0) problems.push(`${key} (${config[key]}) must be a multiple of 60000`);
  }
  if (config.propensityRearmBelow > config.propensityThreshold) {
    problems.push(
      `propensityRearmBelow (${config.propensityRearmBelow}) must not be above propensityThreshold (${config.propensityThreshold})`,
    );
  }
  return problems;
}

function nameIn(origin: ConfigOrigin, key: SettingKey, file: string | null): string {
  if (origin === "flag") return flagName(key);
  if (origin === "environment") return environmentName(key);
  return `${key} in ${file}`;
}

function invalid(problems: readonly string[]): MillraceError {
  const list = problems.map((problem) => `  - ${problem}`).join("\n");
  return new MillraceError(`the configuration is not valid:\n${list}`, {
    code: "config-invalid",
    origin: "user",
  });
}
