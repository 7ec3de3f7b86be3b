import {
  between,
  holds,
  oneOf,
  type QualityCheck,
  type RowCheck,
  type TableSpec,
  type UniquenessCheck,
} from "../../schema/index.ts";

/**
 * Every check of a table: what follows from its keys, windows and revisions, then its own. An own one takes
 * the place of another of its name.
 */
export function checksOf(table: TableSpec): readonly QualityCheck[] {
  const own = table.checks ?? [];
  const names = new Set(own.map(({ name }) => name));
  return [...derivedChecks(table).filter(({ name }) => !names.has(name)), ...own];
}

function derivedChecks(table: TableSpec): (RowCheck | UniquenessCheck)[] {
  const has = (name: string): boolean => table.columns.some((column) => column.name === name);
  const required = new Set(table.columns.filter((column) => column.required).map(({ name }) => name));
  const keys = [...new Set([table.partitionByDayOf, ...table.key])].filter((name) => required.has(name));
  const checks: (RowCheck | UniquenessCheck)[] = [
    { name: "keys-present", kind: "nulls", severity: "error", columns: keys },
    {
      name: "key-unique",
      kind: "uniqueness",
      severity: "error",
      columns: has("revision") ? [...table.key, "revision"] : table.key,
    },
  ];
  if (has("window_start") && has("window_end"))
    checks.push(holds("window-forward", "window_start < window_end"));
  if (has("revision")) checks.push(between("revision", 1));
  if (has("alert_id") && has("status")) checks.push(oneOf("status", ["raised", "retracted"]));
  return checks;
}
