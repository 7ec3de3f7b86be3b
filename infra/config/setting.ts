/** One setting: declared once, it gives the type, the check at start and the reference page. */
export type Setting =
  | IntegerSetting
  | NumberSetting
  | BooleanSetting
  | TextSetting
  | SecretSetting
  | ListSetting
  | UrlSetting
  | ChoiceSetting<string>;

interface SettingBase {
  readonly doc: string;
  /** Heading of the reference page under which it stands. */
  readonly group: SettingGroup;
}

export type SettingGroup =
  | "General"
  | "Runtime"
  | "Event time"
  | "Analytics"
  | "Machine learning"
  | "API"
  | "Generator"
  | "Distributed";

export interface IntegerSetting extends SettingBase {
  readonly type: "integer";
  readonly unit: string | null;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export interface NumberSetting extends SettingBase {
  readonly type: "number";
  readonly unit: string | null;
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export interface BooleanSetting extends SettingBase {
  readonly type: "boolean";
  readonly default: boolean;
}

/** A text. One whose default is empty may be left out; what then holds is in its `doc`. */
export interface TextSetting extends SettingBase {
  readonly type: "text";
  readonly default: string;
}

/** A text that is never printed, has no flag (other users see command lines), and may come from a file. */
export interface SecretSetting extends SettingBase {
  readonly type: "secret";
  readonly default: "";
}

/** Texts, separated by commas where they are given as one. */
export interface ListSetting extends SettingBase {
  readonly type: "list";
  readonly default: readonly string[];
  /** What each has to match, and how that is called. */
  readonly pattern: RegExp;
  readonly form: string;
}

/** An address. */
export interface UrlSetting extends SettingBase {
  readonly type: "url";
  readonly default: "";
  /** Allowed schemes, without the colon. */
  readonly schemes: readonly string[];
  /** It may hold a user and a password; then it is a secret of which the password is masked. */
  readonly credentials: boolean;
}

export interface ChoiceSetting<C extends string> extends SettingBase {
  readonly type: "choice";
  readonly choices: readonly C[];
  readonly default: C;
}

/** The value that a setting gives. */
export type SettingValue<S extends Setting> =
  S extends ChoiceSetting<infer C>
    ? C
    : S extends BooleanSetting
      ? boolean
      : S extends TextSetting | SecretSetting | UrlSetting
        ? string
        : S extends ListSetting
          ? readonly string[]
          : number;

/** `checkpointIntervalMs` → `MILLRACE_CHECKPOINT_INTERVAL_MS`. */
export function environmentName(key: string): string {
  return `MILLRACE_${snakeCase(key).toUpperCase()}`;
}

/**
 * The variable that names a file with the value (a container's secret), for settings that may hold a
 * secret: `s3SecretAccessKey` → `MILLRACE_S3_SECRET_ACCESS_KEY_FILE`; null for others.
 */
export function fileVariableName(key: string, setting: Setting): string | null {
  const secret = setting.type === "secret" || (setting.type === "url" && setting.credentials);
  return secret ? `${environmentName(key)}_FILE` : null;
}

const MASK = "****";

/** The value as it may be shown: secrets, and passwords in addresses, are masked. */
export function shownValue(setting: Setting, value: unknown): unknown {
  if (value === "") return value;
  if (setting.type === "secret") return MASK;
  return setting.type === "url" ? withoutPassword(String(value)) : value;
}

function withoutPassword(text: string): string {
  // What does not parse as an address is cut at the last @, so that no password shows in a complaint either.
  if (!URL.canParse(text)) return text.includes("@") ? `${MASK}${text.slice(text.lastIndexOf("@"))}` : text;
  const url = new URL(text);
  if (url.password === "" && url.username === "") return text;
  url.password = url.password === "" ? "" : MASK;
  return url.href;
}

/** `checkpointIntervalMs` → `--checkpoint-interval-ms`. */
export function flagName(key: string): string {
  return `--${snakeCase(key).replaceAll("_", "-")}`;
}

function snakeCase(key: string): string {
  return key.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).toLowerCase();
}

/** The value, or why it is none, for a person. Text (from a flag or the environment) is parsed. */
export function parseSetting(
  setting: Setting,
  raw: unknown,
): { readonly value: unknown } | { readonly problem: string } {
  switch (setting.type) {
    case "text":
    case "secret":
      if (typeof raw !== "string") return { problem: "must be a text" };
      return raw !== "" || setting.default === ""
        ? { value: raw }
        : { problem: "must be a text that is not empty" };
    case "list":
      return parseList(setting, raw);
    case "url":
      return parseUrl(setting, raw);
    case "choice":
      return setting.choices.includes(raw as string)
        ? { value: raw }
        : { problem: `must be one of ${setting.choices.join(", ")}` };
    case "boolean":
      if (typeof raw === "boolean") return { value: raw };
      if (raw === "true" || raw === "1") return { value: true };
      return raw === "false" || raw === "0" ? { value: false } : { problem: "must be true or false" };
    default:
      return parseNumber(setting, raw);
  }
}

function parseList(setting: ListSetting, raw: unknown): { value: readonly string[] } | { problem: string } {
  const items: unknown[] = Array.isArray(raw) ? raw : typeof raw === "string" ? raw.split(",") : [raw];
  const texts = items.map((item) => (typeof item === "string" ? item.trim() : null));
  const fit = texts.every((text) => text !== null && setting.pattern.test(text));
  return fit ? { value: texts as string[] } : { problem: `must be a list of ${setting.form}` };
}

function parseUrl(setting: UrlSetting, raw: unknown): { value: string } | { problem: string } {
  if (raw === "") return { value: raw };
  const begins = setting.schemes.map((scheme) => `${scheme}://`).join(" or ");
  const url = typeof raw === "string" && URL.canParse(raw) ? new URL(raw) : null;
  if (url === null || !setting.schemes.includes(url.protocol.slice(0, -1)))
    return { problem: `must be an address that begins with ${begins}` };
  if (!setting.credentials && (url.username !== "" || url.password !== ""))
    return { problem: "must hold no user and no password: they have their own settings" };
  return { value: raw as string };
}

function parseNumber(
  setting: IntegerSetting | NumberSetting,
  raw: unknown,
): { value: number } | { problem: string } {
  const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
  const kind = setting.type === "integer" ? "a whole number" : "a number";
  const unit = setting.unit === null ? "" : ` ${setting.unit}`;
  const expected = `must be ${kind} from ${setting.min} to ${setting.max}${unit}`;
  if (typeof value !== "number" || !Number.isFinite(value)) return { problem: expected };
  if (setting.type === "integer" && !Number.isInteger(value)) return { problem: expected };
  return value < setting.min || value > setting.max ? { problem: expected } : { value };
}
