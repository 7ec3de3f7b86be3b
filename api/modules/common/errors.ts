import { MillraceError } from "../../../schema/index.ts";

/** The caller's mistake; the message is shown to the caller as it is. */
export function userError(code: string, message: string): MillraceError {
  return new MillraceError(message, { code, origin: "user" });
}

const LISTED_MAX = 100;

/** An argument that names nothing there is, with the names that there are. */
export function unknownName(what: string, name: string, names: readonly string[]): MillraceError {
  const more = names.length > LISTED_MAX ? ` and ${names.length - LISTED_MAX} more` : "";
  const listed = `${names.slice(0, LISTED_MAX).join(", ")}${more}`;
  return userError("invalid-argument", `There is no ${what} ${JSON.stringify(name)}. There are: ${listed}.`);
}
