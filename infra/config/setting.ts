import type { IntegerSetting, ListSetting, NumberSetting, Setting, UrlSetting } from "../../schema/index.ts";

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
/** `redis://host?password=…` and the like. */
const SECRET_PARAMETER = /pass|secret|token|auth|key|sig/i;

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
  const hidden = [...url.searchParams.keys()].filter((name) => SECRET_PARAMETER.test(name));
  if (url.password === "" && url.username === "" && hidden.length === 0) return text;
  url.password = url.password === "" ? "" : MASK;
  for (const name of hidden) url.searchParams.set(name, MASK);
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
