/** One setting: declared once, it gives the type, the check at start and the reference page. */
export type Setting = IntegerSetting | NumberSetting | BooleanSetting | TextSetting | ChoiceSetting<string>;

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
  | "Generator";

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

export interface TextSetting extends SettingBase {
  readonly type: "text";
  readonly default: string;
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
      : S extends TextSetting
        ? string
        : number;

/** `checkpointIntervalMs` → `MILLRACE_CHECKPOINT_INTERVAL_MS`. */
export function environmentName(key: string): string {
  return `MILLRACE_${snakeCase(key).toUpperCase()}`;
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
      return typeof raw === "string" && raw !== ""
        ? { value: raw }
        : { problem: "must be a text that is not empty" };
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
