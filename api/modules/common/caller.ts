import { userError } from "./errors.ts";

/**
 * What callers may do: everyone reads; a page sends customer events, with a key that its visitors can read; a producer
 * sends events of all kinds; an operator changes how the platform judges, too.
 */
export type Role = "viewer" | "page" | "producer" | "operator";

/** Who calls, as their API key says. */
export interface Caller {
  /** For the audit. */
  readonly name: string;
  readonly role: Role;
}

/** Why a caller is nobody in particular. */
export type NoCaller = "no-key" | "unknown-key";

/** The caller, where they have one of the roles; throws `unauthenticated` or `forbidden`. */
export function requireRole(caller: Caller | NoCaller, roles: readonly Role[]): Caller {
  if (typeof caller === "string") {
    const why = caller === "no-key" ? "" : "The API key that was sent is not known. ";
    throw userError(
      "unauthenticated",
      `${why}This takes an API key of the role ${roles.join(" or ")}: send it as \`Authorization: Bearer KEY\`.`,
    );
  }
  if (roles.includes(caller.role)) return caller;
  throw userError(
    "forbidden",
    `${caller.name} has the role ${caller.role}; this takes ${roles.join(" or ")}.`,
  );
}
