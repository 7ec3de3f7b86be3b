import type { SqlValue } from "../../ports/query-engine.ts";
import { assertReads, invalidQuery } from "../query-errors.ts";

/** Text and quoted names, comments, `$1`, `{bronze.orders}`: what is not plain SQL in a query's text. */
const TOKENS =
  /('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/)|\$(\d+)|\{([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\}/g;
/** What a query begins with; every other statement of Trino begins with a verb. */
const QUERY_WORDS = ["SELECT", "WITH", "VALUES", "TABLE"];
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Names of the tables that a text refers to, each once. */
export function tablesOf(sql: string): ReadonlySet<string> {
  return new Set(Array.from(sql.matchAll(TOKENS), (match) => match[3]).filter((name) => name !== undefined));
}

/**
 * The statement that runs a query of the port's form: the text as a prepared statement with `?` where
 * it has `$n`, and the values as typed literals beside it, so that no value can become SQL. Throws
 * `query-invalid`.
 *
 * @param relations SQL of each table of {@link tablesOf}
 */
export function trinoStatement(
  sql: string,
  parameters: readonly SqlValue[],
  relations: ReadonlyMap<string, string>,
): string {
  assertReads(sql, QUERY_WORDS);
  const used: number[] = [];
  const text = sql.replace(TOKENS, (token, quoted: string, index: string, table: string) => {
    if (quoted !== undefined) return token;
    if (index === undefined) return relations.get(table) ?? token;
    used.push(Number(index));
    return "?";
  });
  const highest = Math.max(0, ...used);
  if (highest !== parameters.length) {
    throw invalidQuery(`the text has ${highest} parameters, but ${parameters.length} values are given`);
  }
  const using = used.map((index) => literal(parameters[index - 1], index));
  return `EXECUTE IMMEDIATE ${quoteText(text)}${using.length === 0 ? "" : ` USING ${using.join(", ")}`}`;
}

/** `"lake"."bronze"."orders"` */
export function qualifiedName(...parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A value as an SQL literal of its type: an integer as BIGINT, another number as DOUBLE. */
function literal(value: SqlValue | undefined, index: number): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "string") return quoteText(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (value instanceof Date) return timestamp(value, index);
  if (typeof value === "number" && !Number.isSafeInteger(value)) return `DOUBLE '${value}'`;
  const integer = BigInt(value);
  if (integer < INT64_MIN || integer > INT64_MAX) {
    throw invalidQuery(`the value of $${index} does not fit into 64 bits`);
  }
  return `BIGINT '${integer}'`;
}

function timestamp(date: Date, index: number): string {
  if (Number.isNaN(date.getTime())) throw invalidQuery(`the value of $${index} is no time`);
  const [, year, rest] = /^([+-]?\d+)(-.*)Z$/.exec(date.toISOString()) ?? [];
  return `TIMESTAMP '${String(year).replace(/^\+0*/, "")}${rest?.replace("T", " ")} UTC'`;
}
