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
  | "Detectors"
  | "Machine learning"
  | "API"
  | "Webhook"
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

/** Declared settings by key, and the values that they give. */
export type Settings = Readonly<Record<string, Setting>>;
export type SettingValues<S extends Settings> = { readonly [K in keyof S]: SettingValue<S[K]> };

/** A duration, whole milliseconds within `bounds`. */
export function msSetting(
  group: SettingGroup,
  defaultMs: number,
  bounds: readonly [min: number, max: number],
  doc: string,
) {
  const [min, max] = bounds;
  return { type: "integer", unit: "ms", group, default: defaultMs, min, max, doc } as const;
}

/** A whole number within `bounds`. */
export function countSetting(
  group: SettingGroup,
  value: number,
  bounds: readonly [min: number, max: number],
  doc: string,
  unit: string | null = null,
) {
  const [min, max] = bounds;
  return { type: "integer", unit, group, default: value, min, max, doc } as const;
}

/** A number within `bounds`. */
export function ratioSetting(
  group: SettingGroup,
  value: number,
  bounds: readonly [min: number, max: number],
  doc: string,
) {
  const [min, max] = bounds;
  return { type: "number", unit: null, group, default: value, min, max, doc } as const;
}
