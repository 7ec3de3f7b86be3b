import type { SqlValue } from "../../lakehouse/index.ts";
import type { EventContract } from "../../schema/index.ts";

type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * A bronze row as the JSON record that it was decoded from, members in the contract's order: absent
 * ones are left out, JSON fields and unknown members stand as they came.
 */
export function bronzeRecord(contract: EventContract, row: SqlRow): string {
  const members: string[] = [];
  for (const { name, column, type } of contract.fields) {
    const value = row[column] ?? null;
    if (value === null) continue;
    members.push(`${JSON.stringify(name)}:${type === "json" ? String(value) : jsonOf(value)}`);
  }
  const extra = row._extra ?? null;
  if (extra !== null) members.push(String(extra).trim().slice(1, -1));
  return `{${members.join(",")}}`;
}

function jsonOf(value: SqlValue): string {
  if (value instanceof Date) return String(value.getTime());
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
