import type { QualitySeverity, RowCheck } from "./quality-check.ts";

/** Every row's value is one of these. */
export function oneOf(
  column: string,
  values: readonly string[],
  severity: QualitySeverity = "error",
): RowCheck {
  return { name: `${kebab(column)}-known`, kind: "accepted-values", severity, column, values };
}

/** Every row's number lies between these, both included. */
export function between(
  column: string,
  min: number,
  max?: number,
  severity: QualitySeverity = "error",
): RowCheck {
  const bounds = max === undefined ? { min } : { min, max };
  return { name: `${kebab(column)}-in-range`, kind: "range", severity, column, ...bounds };
}

/** Every row satisfies a condition. */
export function holds(name: string, sql: string, severity: QualitySeverity = "error"): RowCheck {
  return { name, kind: "condition", severity, holds: sql };
}

/** Every row's currency has the form of ISO 4217. Contracts take any text. */
export function currencyCode(column: string): RowCheck {
  return {
    name: `${kebab(column)}-format`,
    kind: "format",
    severity: "warn",
    column,
    characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    length: 3,
  };
}

/** `_ingested_at` → `ingested-at`. */
function kebab(column: string): string {
  return column.replace(/^_/, "").replaceAll("_", "-");
}
