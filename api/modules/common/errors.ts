import { MillraceError } from "../../../schema/index.ts";

/** The caller's mistake; the message is shown to the caller as it is. */
export function userError(code: string, message: string): MillraceError {
  return new MillraceError(message, { code, origin: "user" });
}
