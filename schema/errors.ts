/** Whose fault an error is: the caller's, a dependency's, or ours. */
export type ErrorOrigin = "user" | "external" | "internal";

export interface MillraceErrorOptions {
  /** Stable, kebab-case; what dashboards, tests and API clients match on. */
  readonly code: string;
  readonly origin: ErrorOrigin;
  /** Whether the same call may succeed later without a change. */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

/** The one error base. The message says what happened, what it concerned and what to do. */
export class MillraceError extends Error {
  readonly code: string;
  readonly origin: ErrorOrigin;
  readonly retry: boolean;

  constructor(message: string, options: MillraceErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MillraceError";
    this.code = options.code;
    this.origin = options.origin;
    this.retry = options.retry ?? false;
  }
}

const LISTED_MAX = 100;

/** An argument that names nothing there is, with the names that there are. */
export function unknownName(what: string, name: string, names: readonly string[]): MillraceError {
  const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : "";
  const listed = `${names.slice(0, LISTED_MAX).join(", ")}${more}`;
  return new MillraceError(`There is no ${what} ${JSON.stringify(name)}. There are: ${listed}.`, {
    code: "invalid-argument",
    origin: "user",
  });
}
