import { userError } from "./errors.ts";

/** One column of a connection's total order; `time` values are milliseconds. */
export interface KeysetColumn {
  readonly column: string;
  readonly type: "time" | "text" | "number";
}

export type CursorValue = string | number;

const CURSOR_CHARACTERS_MAX = 2048;

/** Opaque to clients: the connection's name and the row's key values, base64url of JSON. */
export function encodeCursor(connection: string, values: readonly CursorValue[]): string {
  return Buffer.from(JSON.stringify([connection, ...values])).toString("base64url");
}

/**
 * Key values of a cursor. Throws `cursor-invalid` (origin user) for anything that `encodeCursor` did
 * not make for this very connection.
 */
export function decodeCursor(
  connection: string,
  keyset: readonly KeysetColumn[],
  cursor: string,
): readonly CursorValue[] {
  const parts = cursor.length <= CURSOR_CHARACTERS_MAX ? parseParts(cursor) : null;
  const values = parts?.[0] === connection ? parts.slice(1) : [];
  if (values.length !== keyset.length || !values.every((value, i) => fits(keyset[i], value))) {
    throw userError(
      "cursor-invalid",
      `The cursor is not one of the ${connection} connection. Pass an endCursor of an earlier page of it, or none.`,
    );
  }
  return values as readonly CursorValue[];
}

function parseParts(cursor: string): unknown[] | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parts) ? parts : null;
  } catch {
    return null;
  }
}

function fits(column: KeysetColumn, value: unknown): boolean {
  if (column.type === "text") return typeof value === "string";
  if (column.type === "time") return Number.isSafeInteger(value) && Math.abs(value as number) <= 8.64e15;
  return typeof value === "number" && Number.isFinite(value);
}
