import { type ErrorOrigin, MillraceError } from "../../../schema/index.ts";
import type { AsksToWait } from "../request-retry.ts";

interface Kind {
  readonly code: string;
  readonly origin: ErrorOrigin;
  readonly retry: boolean;
  /** What happened and what to do; `place` is the address that was asked. */
  readonly text: (place: string) => string;
}

const CREDENTIALS: Kind = {
  code: "catalog-credentials-invalid",
  origin: "user",
  retry: false,
  text: (place) => `${place} refuses the credentials; check the catalog's token, or its client id and secret`,
};
const DENIED: Kind = {
  code: "catalog-access-denied",
  origin: "user",
  retry: false,
  text: (place) => `${place} denies the access; give this client the right to create, read and write tables`,
};
const NOT_FOUND: Kind = {
  code: "catalog-not-found",
  origin: "user",
  retry: false,
  text: (place) => `${place} is not known there; check the catalog's address and its warehouse`,
};
const CONFLICT: Kind = {
  code: "catalog-conflict",
  origin: "external",
  retry: false,
  text: (place) => `${place} is in conflict with what the catalog has`,
};
const BUSY: Kind = {
  code: "catalog-busy",
  origin: "external",
  retry: true,
  text: (place) => `${place} turns requests away for now; look at the load of the catalog`,
};
const UNAVAILABLE: Kind = {
  code: "catalog-unavailable",
  origin: "external",
  retry: true,
  text: (place) => `${place} failed inside of the catalog; look at its log`,
};
const REFUSED: Kind = {
  code: "catalog-request-refused",
  origin: "internal",
  retry: false,
  text: (place) => `${place} refuses the request; check that it is an Iceberg REST catalog`,
};
const UNREACHABLE: Kind = {
  code: "catalog-unreachable",
  origin: "external",
  retry: true,
  text: (place) =>
    `${place} gives no answer; check that the catalog runs, its address, and the network between`,
};
const TLS: Kind = {
  code: "catalog-tls-failed",
  origin: "user",
  retry: false,
  text: (place) => `no trusted TLS connection to ${place}; check http or https in it, and the certificate`,
};
const ABORTED: Kind = {
  code: "catalog-request-aborted",
  origin: "user",
  retry: false,
  text: (place) => `the request to ${place} was given up because its caller is closing`,
};

const BY_STATUS = new Map<number, Kind>([
  [401, CREDENTIALS],
  [403, DENIED],
  [404, NOT_FOUND],
  [409, CONFLICT],
  // The specification's own: the token has expired.
  [419, CREDENTIALS],
  [429, BUSY],
]);

/** Errors of undici and Node before anything of the request was sent. */
const BEFORE_SENDING =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/;

/** A request to a catalog that did not succeed. */
export class CatalogError extends MillraceError implements AsksToWait {
  /** HTTP status; null without an answer. */
  readonly status: number | null;
  /** Iceberg's name of the error, `NoSuchTableException`; null where the answer was none of a catalog's. */
  readonly type: string | null;
  /** Whether the catalog certainly did nothing; false: it may have done what was asked. */
  readonly unapplied: boolean;
  readonly retryAfterMs: number | null;

  private constructor(
    kind: Kind,
    place: string,
    detail: string,
    facts: Pick<CatalogError, "status" | "type" | "unapplied" | "retryAfterMs"> & {
      readonly cause?: unknown;
    },
  ) {
    super(`${kind.text(place)} (${detail})`, { ...kind, cause: facts.cause });
    this.status = facts.status;
    this.type = facts.type;
    this.unapplied = facts.unapplied;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** An answer that is no success; `text` is its body. */
  static ofAnswer(place: string, status: number, text: string, retryAfterMs: number | null): CatalogError {
    const { type, message } = errorBody(text);
    const kind = BY_STATUS.get(status) ?? (status >= 500 ? UNAVAILABLE : REFUSED);
    const detail = [status, type, message].filter((part) => part !== null).join(", ");
    return new CatalogError(kind, place, detail, { status, type, unapplied: status < 500, retryAfterMs });
  }

  /** A good status with a body that is none of a catalog's. */
  static ofBody(place: string, status: number, cause: unknown): CatalogError {
    const facts = { status, type: null, unapplied: false, retryAfterMs: null, cause };
    return new CatalogError(REFUSED, place, `${status}, the answer is no JSON of a catalog`, facts);
  }

  /** No answer, or one that was cut off. */
  static ofFailure(place: string, cause: unknown): CatalogError {
    const { name, cause: inner } = cause as Error & { cause?: { code?: string } };
    const code = inner?.code ?? name;
    const kind =
      name === "AbortError" ? ABORTED : /CERT|SSL|TLS|EPROTO|SIGNATURE/.test(code) ? TLS : UNREACHABLE;
    const unapplied = kind === TLS || BEFORE_SENDING.test(code);
    return new CatalogError(kind, place, code, {
      status: null,
      type: null,
      unapplied,
      retryAfterMs: null,
      cause,
    });
  }
}

/** `{"error": {"message", "type", "code"}}`, or OAuth's `{"error": "invalid_client"}`. */
function errorBody(text: string): { readonly type: string | null; readonly message: string | null } {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return { type: error, message: null };
    const { type, message } = error as { type?: unknown; message?: unknown };
    return {
      type: typeof type === "string" ? type : null,
      message: typeof message === "string" ? message : null,
    };
  } catch {
    return { type: null, message: null };
  }
}
