import { userError } from "./errors.ts";

/** What callers may do: everyone reads; an operator changes how the platform judges. */
export type Role = "viewer" | "operator";

/** Who calls, as their API key says. */
export interface Caller {
  /** For the audit. */
  readonly name: string;
  readonly role: Role;
}

/** The caller, where they have one of the roles; throws `unauthenticated` or `forbidden`. */
export function requireRole(caller: Caller | null, roles: readonly Role[]): Caller {
  if (caller === null) {
    throw userError(
      "unauthenticated",
      `This takes an API key of the role ${roles.join(" or ")}: send it as \`Authorization: Bearer KEY\`.`,
    );
  }
  if (roles.includes(caller.role)) return caller;
  throw userError(
    "forbidden",
    `${caller.name} has the role ${caller.role}; this takes ${roles.join(" or ")}.`,
  );
}
