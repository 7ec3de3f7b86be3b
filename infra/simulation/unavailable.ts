import { MillraceError } from "../../schema/index.ts";

/** What a caller learns where a request or its answer was lost: it may or may not have been done. */
export function unavailable(service: string, request: string): MillraceError {
  return new MillraceError(`${service}: ${request} got no answer; it may have been done`, {
    code: "simulated-unavailable",
    origin: "external",
    retry: true,
  });
}
