import type { QualitySql } from "../../schema/index.ts";
import type { SqlValue } from "../ports/query-engine.ts";

/** Settings by key, of which conditions name some. */
export type QualitySettings = Readonly<Record<string, unknown>>;

/** The values of one query. Names of tables and columns come from specs; values only ever become parameters. */
export class Statement {
  readonly parameters: SqlValue[] = [];
  private readonly settings: QualitySettings;

  constructor(settings: QualitySettings = {}) {
    this.settings = settings;
  }

  /** The value's place in the text. */
  bind(value: SqlValue): string {
    this.parameters.push(value);
    return `$${this.parameters.length}`;
  }

  /** A condition of a spec, with the values of its settings bound. */
  condition(sql: QualitySql): string {
    return `(${sql.replace(/:([a-z]\w*)/gi, (_match, key: string) => this.bind(numberSetting(this.settings, key)))})`;
  }

  /** ` WHERE …` of those that are given, or nothing. */
  static where(...conditions: readonly (string | null)[]): string {
    const all = Statement.and(...conditions);
    return all === "" ? "" : ` WHERE ${all}`;
  }

  static and(...conditions: readonly (string | null)[]): string {
    return conditions.filter((condition) => condition !== null).join(" AND ");
  }
}

/** A setting that a check names; a name that is none is a mistake in the check. */
export function numberSetting(settings: QualitySettings, key: string): number {
  const value = settings[key];
  if (typeof value === "number") return value;
  throw new Error(`a check names the setting ${key}, which is no number`);
}

export function quoted(name: string): string {
  return `"${name}"`;
}

export function list(names: readonly string[], of?: string): string {
  return names.map((name) => (of === undefined ? quoted(name) : `${of}.${quoted(name)}`)).join(", ");
}
