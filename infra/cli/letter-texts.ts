import { MillraceError } from "../../schema/index.ts";
import { letterPlaceOf, type Resend } from "../../stream/index.ts";

/** An id that the lake has no letter of. */
export function noSuchLetter(id: string): MillraceError {
  const hint =
    letterPlaceOf(id) === null
      ? "an id is TOPIC-PARTITION-OFFSET, such as orders-0-12"
      : "a new one is there with the next checkpoint";
  return new MillraceError(`there is no dead letter ${id}: ${hint}`, {
    code: "letter-not-found",
    origin: "user",
  });
}

/** How a letter was sent again, for people. */
export function sentBy({ resentTime, resentBy, resentEventId, note }: Resend): string {
  const why = note === null ? "" : `: ${note}`;
  return `as event ${resentEventId}, by ${resentBy}, ${new Date(resentTime).toISOString()}${why}`;
}

/** For programs: that a letter was sent again. */
export function listedResend({ resentTime, ...resend }: Resend): object {
  return { resentTime: new Date(resentTime).toISOString(), ...resend };
}
