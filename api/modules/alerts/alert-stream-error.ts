import { MillraceError, type MillraceErrorOptions } from "../../../schema/index.ts";

/** The end of a subscription that its reader did not ask for; it can go on after the cursor. */
export class AlertStreamError extends MillraceError {
  readonly cursor: string | null;

  constructor(message: string, options: MillraceErrorOptions & { readonly cursor: string | null }) {
    super(message, options);
    this.name = "AlertStreamError";
    this.cursor = options.cursor;
  }
}

/** The bus is gone for a subscriber, who can go on behind its cursor once it is back. */
export function busFailed(cursor: string | null, cause: unknown): AlertStreamError {
  return new AlertStreamError("The alert bus failed. Subscribe again after the cursor.", {
    code: "alert-bus-failed",
    origin: "external",
    retry: true,
    cursor,
    cause,
  });
}

/** So many alerts wait for a subscriber that does not take them. */
export function tooSlow(cursor: string | null, queueMax: number): AlertStreamError {
  return new AlertStreamError(
    `More than ${queueMax} alerts wait for this subscriber. Read faster or filter more, and subscribe again after the cursor.`,
    { code: "subscriber-too-slow", origin: "user", retry: true, cursor },
  );
}
