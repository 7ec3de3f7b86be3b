import { MillraceError } from "../../../schema/index.ts";
import { snapshotNotFound } from "../../table/as-of.ts";
import { invalidQuery, tableNotFound, timeoutError } from "../query-errors.ts";
import type { AsksToWait } from "../request-retry.ts";

/** What Trino says of a query that failed (`QueryError` of its protocol). */
export interface TrinoFailure {
  readonly message: string;
  /** `SYNTAX_ERROR`, `TABLE_NOT_FOUND`, … */
  readonly errorName: string;
  /** `USER_ERROR`, `INTERNAL_ERROR`, `INSUFFICIENT_RESOURCES`, `EXTERNAL`. */
  readonly errorType: string;
}

/** Trino, or what stands before it, turns requests away for the time being. */
class TrinoBusyError extends MillraceError implements AsksToWait {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null) {
    super(message, { code: "query-engine-unreachable", origin: "external", retry: true });
    this.retryAfterMs = retryAfterMs;
  }
}

/** Trino no longer knows the query, or lost files of it: the same query may be run again. */
export class QueryLostError extends MillraceError {}

const NOT_FOUND = new Set(["TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND"]);
const TIMEOUTS = new Set(["EXCEEDED_TIME_LIMIT", "EXCEEDED_CPU_LIMIT"]);
/** Maintenance took a file away between planning and reading. */
const FILES_LOST = new Set([
  "ICEBERG_CANNOT_OPEN_SPLIT",
  "ICEBERG_MISSING_METADATA",
  "ICEBERG_INVALID_METADATA",
  "ICEBERG_FILESYSTEM_ERROR",
]);
/** Answers of Trino, or of what stands before it, that pass: try again. */
const BUSY = new Set([429, 502, 503, 504]);

export function failureError(failure: TrinoFailure): MillraceError {
  const { message, errorName, errorType } = failure;
  const cause = new Error(`${errorName}: ${message}`);
  if (NOT_FOUND.has(errorName)) return tableNotFound(/'([^']+)'/.exec(message)?.[1] ?? "of the query", cause);
  if (/snapshot ID does not exist/i.test(message)) return snapshotNotFound(message, cause);
  if (TIMEOUTS.has(errorName)) return timeoutError(cause);
  if (errorName === "ICEBERG_COMMIT_ERROR" || errorName === "TRANSACTION_CONFLICT") {
    return new MillraceError(`Trino could not commit beside another writer: ${message}`, {
      code: "commit-conflict",
      origin: "external",
      retry: true,
      cause,
    });
  }
  if (errorName === "QUERY_QUEUE_FULL") {
    return new MillraceError("Trino's queue of queries is full; try again later", {
      code: "query-overloaded",
      origin: "external",
      retry: true,
      cause,
    });
  }
  if (FILES_LOST.has(errorName)) return lost(`the query failed: ${errorName}: ${message}`, cause);
  if (errorName === "CATALOG_NOT_FOUND") {
    return new MillraceError(
      `${message}; check the setting trinoCatalog (Trino's name of the lake's catalog), or the query`,
      { code: "catalog-not-found", origin: "external", cause },
    );
  }
  if (errorType === "USER_ERROR" && !/^(PERMISSION_DENIED|ADMINISTRATIVELY_)/.test(errorName)) {
    return invalidQuery(message, cause);
  }
  return failed(`the query failed: ${errorName}: ${message}`, errorType !== "USER_ERROR", cause);
}

/** An answer of HTTP that is not 200. */
export function statusError(
  server: string,
  answer: { readonly status: number; readonly text: string; readonly retryAfterMs: number | null },
): MillraceError {
  const { status, text, retryAfterMs } = answer;
  const said = `Trino at ${server} answered ${status}: ${text.slice(0, 200).trim()}`;
  if (status === 401 || status === 403) {
    return new MillraceError(
      `${said}; check user name and password, and that the address is https:// where there is a password`,
      { code: "query-engine-denied", origin: "external" },
    );
  }
  if (BUSY.has(status)) return new TrinoBusyError(said, retryAfterMs);
  if (status === 404 || status === 410) {
    return lost(`${said}; it was restarted, or the address is not Trino's`, undefined);
  }
  return failed(said, status >= 500, undefined);
}

/** No answer at all. */
export function connectionError(server: string, error: unknown): MillraceError {
  const reason = error instanceof Error ? (error.cause ?? error) : error;
  const detail = reason instanceof Error ? reason.message || reason.name : String(reason);
  return new MillraceError(
    `Trino at ${server} does not answer: ${detail}; check that it runs, and the address`,
    { code: "query-engine-unreachable", origin: "external", retry: true, cause: error },
  );
}

function failed(message: string, retry: boolean, cause: unknown): MillraceError {
  return new MillraceError(message, { code: "query-failed", origin: "external", retry, cause });
}

function lost(message: string, cause: unknown): QueryLostError {
  return new QueryLostError(message, { code: "query-failed", origin: "external", retry: true, cause });
}
