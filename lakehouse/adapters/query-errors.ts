import { MillraceError } from "../../schema/index.ts";

/** The errors that every query engine has alike (see `QueryEngine`). */

/** The first word or sign behind comments. */
const BEGIN = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(\w+|[\s\S]?)/;

export function invalidQuery(detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`invalid query: ${detail}`, { code: "query-invalid", origin: "user", cause });
}

/**
 * Throws `query-invalid` unless the text begins as what only reads, comments left aside: one of these words, or a
 * parenthesis.
 */
export function assertReads(sql: string, words: readonly string[]): void {
  if (sql.trim() === "") throw invalidQuery("the text is empty");
  const [, begin] = BEGIN.exec(sql) ?? [];
  if (begin === "(" || words.includes(begin.toUpperCase())) return;
  throw invalidQuery(
    `the lake is only read here, and ${begin.toUpperCase()} begins no query: these begin with SELECT, WITH or VALUES`,
  );
}

export function tableNotFound(name: string, cause?: unknown): MillraceError {
  return new MillraceError(`there is no table ${name} in the lake`, {
    code: "table-not-found",
    origin: "user",
    cause,
  });
}

export function tooLarge(limit: number): MillraceError {
  return new MillraceError(`the result has more than ${limit} rows; add a LIMIT or ask page by page`, {
    code: "query-too-large",
    origin: "user",
  });
}

export function overloaded(waiting: number): MillraceError {
  return new MillraceError(`${waiting} queries wait already; try again later`, {
    code: "query-overloaded",
    origin: "external",
    retry: true,
  });
}

export function engineClosed(): MillraceError {
  return new MillraceError("the query engine is closed", { code: "query-aborted", origin: "external" });
}

/** Why a query was stopped: by its caller, or because its time was over. */
export function abortError(timeout: AbortSignal, cause: unknown): MillraceError {
  return timeout.aborted
    ? timeoutError(cause)
    : new MillraceError("the query was stopped by its caller", {
        code: "query-aborted",
        origin: "user",
        cause,
      });
}

export function timeoutError(cause: unknown): MillraceError {
  return new MillraceError("the query took too long and was stopped; ask for less or a narrower time range", {
    code: "query-timeout",
    origin: "user",
    cause,
  });
}
