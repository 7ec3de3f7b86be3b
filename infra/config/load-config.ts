import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { MillraceError, type Setting } from "../../schema/index.ts";
import { crossProblems } from "./cross-rules.ts";
import { environmentName, fileVariableName, flagName, parseSetting, shownValue } from "./setting.ts";
import { type Config, type SettingKey, settings } from "./settings.ts";

/** Variables that are no settings: which file has those, and what local servers, tests and the matrix of crash points read. */
const OF_OTHERS =
  /^MILLRACE_(?:CONFIG|CACHE|DATA|(?:TEST|MATRIX|FUZZ|REPLAY)(?:_\w+)?|(?:KAFKA|MINIO|REDIS|POSTGRES|CATALOG|REGISTRY|TRINO)_PORT)$/;

export const CONFIG_FILE = "millrace.config.json";
/** The variable that names a configuration file, as the flag `--config` does. */
export const CONFIG_FILE_VARIABLE = "MILLRACE_CONFIG";

export interface ConfigSources {
  /** Values given on the command line, by setting. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder in which the configuration file is looked for first. */
  readonly folder: string;
  /** A configuration file given on the command line; it must exist. */
  readonly file?: string | undefined;
}

/** Where the value of a setting came from. */
export type ConfigOrigin = "default" | "file" | "environment" | "secret file" | "flag";

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<SettingKey, ConfigOrigin>>;
  /** The configuration file that was read, or null. */
  readonly file: string | null;
}

/**
 * Flags over environment over file over defaults. The file is the one that is named, else
 * `millrace.config.json` in the current folder, else in the home folder. Throws `config-invalid` with
 * every problem at once; no problem shows a secret.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const { file, values } = readConfigFile(configFileOf(sources), problems);
  const config: Record<string, unknown> = {};
  const origins: Record<string, ConfigOrigin> = {};
  for (const key of Object.keys(settings) as SettingKey[]) {
    const setting: Setting = settings[key];
    const [raw, origin] = firstGiven(key, values, sources, problems);
    const parsed = origin === "default" ? { value: raw } : parseSetting(setting, raw);
    if ("problem" in parsed)
      problems.push(`${nameIn(origin, key, file)} ${parsed.problem}${not(setting, raw)}`);
    else config[key] = parsed.value;
    origins[key] = origin;
  }
  const known = config as unknown as Config;
  if (problems.length === 0) problems.push(...crossProblems(known));
  if (problems.length > 0) throw invalid(problems);
  const loaded = { ...known, home: resolve(sources.folder, known.home) };
  return { config: loaded, origins: origins as Record<SettingKey, ConfigOrigin>, file };
}

/** Variables that begin as those of settings do and are none: most likely misspelt. */
export function unknownVariables(environment: ConfigSources["environment"]): string[] {
  const known = new Set(
    (Object.keys(settings) as SettingKey[]).flatMap((key) => [
      environmentName(key),
      fileVariableName(key, settings[key]),
    ]),
  );
  return Object.keys(environment).filter(
    (name) => name.startsWith("MILLRACE_") && !OF_OTHERS.test(name) && !known.has(name),
  );
}

/** The configuration as it may be shown: secrets are masked. */
export function shownConfig(config: Config): Record<SettingKey, unknown> {
  const entries = (Object.keys(settings) as SettingKey[]).map((key) => [
    key,
    shownValue(settings[key], config[key]),
  ]);
  return Object.fromEntries(entries) as Record<SettingKey, unknown>;
}

function not(setting: Setting, raw: unknown): string {
  return setting.type === "secret" ? "" : `, not ${JSON.stringify(shownValue(setting, raw))}`;
}

/** Also reads the file that `…_FILE` names; one that cannot be read is a problem. */
function firstGiven(
  key: SettingKey,
  file: Readonly<Record<string, unknown>>,
  { flags, environment, folder }: ConfigSources,
  problems: string[],
): [unknown, ConfigOrigin] {
  if (flags?.[key] !== undefined) return [flags[key], "flag"];
  const variable = environment[environmentName(key)] ?? "";
  const pointer = fileVariableName(key, settings[key]);
  const path = pointer === null ? "" : (environment[pointer] ?? "");
  if (variable !== "" && path !== "")
    problems.push(`${environmentName(key)} and ${pointer} are both set: leave one of them out`);
  if (variable !== "") return [variable, "environment"];
  if (path !== "") {
    try {
      return [readFileSync(resolve(folder, path), "utf8").trim(), "secret file"];
    } catch (error) {
      problems.push(`${pointer} names ${path}, which cannot be read: ${messageOf(error)}`);
    }
  }
  return key in file ? [file[key], "file"] : [settings[key].default, "default"];
}

interface ConfigFile {
  readonly path: string;
  /** Its absence is a problem: someone named it. */
  readonly named: boolean;
}

function configFileOf({ file, flags, environment, folder }: ConfigSources): ConfigFile | null {
  const given = file ?? environment[CONFIG_FILE_VARIABLE] ?? "";
  if (given !== "") return { path: resolve(folder, given), named: true };
  const home = String(flags?.home ?? environment[environmentName("home")] ?? settings.home.default);
  const usual = [folder, resolve(folder, home)].map((place) => join(place, CONFIG_FILE));
  const path = usual.find((candidate) => existsSync(candidate));
  return path === undefined ? null : { path, named: false };
}

function readConfigFile(
  file: ConfigFile | null,
  problems: string[],
): { file: string | null; values: Record<string, unknown> } {
  if (file === null) return { file: null, values: {} };
  const { path, named } = file;
  if (named && !existsSync(path)) {
    problems.push(`the configuration file ${path} does not exist`);
    return { file: path, values: {} };
  }
  try {
    const values: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      problems.push(`${path} must hold one JSON object`);
      return { file: path, values: {} };
    }
    for (const key of Object.keys(values)) {
      if (!(key in settings)) problems.push(`${path}: there is no setting ${JSON.stringify(key)}`);
    }
    return { file: path, values: values as Record<string, unknown> };
  } catch (error) {
    // The parser's own message quotes the text, which may hold a secret.
    const why = error instanceof SyntaxError ? "it is not JSON" : messageOf(error);
    problems.push(`${path} cannot be read: ${why}`);
    return { file: path, values: {} };
  }
}

function nameIn(origin: ConfigOrigin, key: SettingKey, file: string | null): string {
  if (origin === "flag") return flagName(key);
  if (origin === "environment") return environmentName(key);
  if (origin === "secret file") return `the content of ${fileVariableName(key, settings[key])}`;
  return `${key} in ${file}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function invalid(problems: readonly string[]): MillraceError {
  const list = problems.map((problem) => `  - ${problem}`).join("\n");
  return new MillraceError(`the configuration is not valid:\n${list}`, {
    code: "config-invalid",
    origin: "user",
  });
}
