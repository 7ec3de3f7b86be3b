import { isUtf8 } from "node:buffer";
import { type DeadLetter, isCut, letterIdOf, type ResendRequest } from "../../stream/index.ts";

/**
 * A letter on one line of JSON, to be edited and sent: `payload` is the event where the record is a JSON object,
 * its text where it is other text; `payloadBase64` its bytes where it is none.
 */
export function letterLine(letter: DeadLetter): string {
  const { reason, field, detail, recordBytes } = letter;
  const head = { id: letterIdOf(letter), reason, field, message: detail };
  const cut = isCut(letter) ? { isCut: true, bytes: recordBytes } : {};
  const start = JSON.stringify({ ...head, ...cut }).slice(0, -1);
  return `${start},${payloadMember(letter.bytes)}}`;
}

function payloadMember(bytes: Buffer): string {
  if (!isUtf8(bytes)) return `"payloadBase64":${JSON.stringify(bytes.toString("base64"))}`;
  const text = bytes.toString();
  // As it was received, digits and all. Its line breaks are blanks between members: within texts JSON has none.
  return `"payload":${isObject(text) ? text.replaceAll(/[\r\n]/g, " ").trim() : JSON.stringify(text)}`;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Why a line is none. */
export interface LineProblem {
  readonly reason: "invalid-line";
  readonly detail: string;
}

/** What a line asks to send, as {@link letterLine} writes lines; without a payload, what was received. */
export function requestOfLine(bytes: Buffer): ResendRequest | LineProblem {
  let line: unknown;
  try {
    line = parseExactly(bytes.toString());
  } catch (error) {
    return problem(`it is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (typeof line !== "object" || line === null) return problem("expected an object");
  const { id, payload, payloadBase64 } = line as Readonly<Record<string, unknown>>;
  if (typeof id !== "string") return problem("it has no id");
  if (payload !== undefined && payloadBase64 !== undefined)
    return problem("it has both payload and payloadBase64");
  if (typeof payloadBase64 === "string") return { id, payload: Buffer.from(payloadBase64, "base64") };
  if (payloadBase64 !== undefined) return problem("payloadBase64 is no text");
  if (payload === undefined) return { id, payload: null };
  return { id, payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)) };
}

function problem(detail: string): LineProblem {
  return { reason: "invalid-line", detail };
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Of ES2026, which Node has and TypeScript does not know yet. */
const ExactJson = JSON as unknown as {
  readonly parse: (text: string, reviver: Reviver) => unknown;
  readonly rawJSON: (text: string) => unknown;
};

/** JSON whose numbers are written again as they stood, beyond the digits of a double, too. */
function parseExactly(text: string): unknown {
  return ExactJson.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? ExactJson.rawJSON(source) : value,
  );
}
