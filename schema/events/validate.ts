import type { RefusalReason } from "../columns/index.ts";
import type { ContractField, EventContract } from "./contract.ts";

/** Why a value is no event of the contract. */
export interface EventProblem {
  readonly reason: RefusalReason;
  /** The field concerned, or null where the whole value is. */
  readonly field: string | null;
  /** What was found and what was expected, for a person. */
  readonly detail: string;
}

export type Validation = { readonly ok: true } | ({ readonly ok: false } & EventProblem);

const OK: Validation = { ok: true };

/**
 * Tells whether a parsed JSON value is an event of the contract; the first problem in the
 * contract's field order. This is the definition that every decoder is held to. Members that the
 * contract does not know are allowed. No coercion; a number is an integer when its value is
 * (`5.0`); text is measured in UTF-8, a lone surrogate as U+FFFD; required text is not empty.
 */
export function validateEvent(contract: EventContract, value: unknown): Validation {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return {
      ok: false,
      reason: "wrong-type",
      field: null,
      detail: `expected an object, found ${found(value)}`,
    };
  }
  for (const field of contract.fields) {
    const problem = fieldProblem(
      field,
      Object.hasOwn(value, field.name) ? (value as Record<string, unknown>)[field.name] : undefined,
    );
    if (problem !== null) return { ok: false, ...problem };
  }
  return OK;
}

/** The problem of one field's value (undefined = absent), or null. */
export function fieldProblem(field: ContractField, value: unknown): EventProblem | null {
  if (value === undefined || value === null) {
    if (field.nullable) return null;
    return problem(field, "missing-field", `required, but ${value === null ? "null" : "absent"}`);
  }
  switch (field.type) {
    case "string":
      if (typeof value !== "string") return wrongType(field, "text", value);
      return textLengthProblem(field, Buffer.byteLength(value));
    case "json":
      if (typeof value !== "object") return wrongType(field, "an array or object", value);
      return null;
    case "enum":
      if (typeof value !== "string") return wrongType(field, "text", value);
      if (field.symbols?.includes(value)) return null;
      return problem(field, "unknown-symbol", `${found(value)} is none of ${field.symbols?.join(", ")}`);
    case "boolean":
      return typeof value === "boolean" ? null : wrongType(field, "true or false", value);
    default:
      return typeof value === "number" ? numberProblem(field, value) : wrongType(field, "a number", value);
  }
}

/** Whether the UTF-8 length of a text is within the field's bounds. */
export function textLengthProblem(field: ContractField, bytes: number): EventProblem | null {
  if (bytes === 0 && !field.nullable) return problem(field, "out-of-range", "required, but empty");
  if (field.maxBytes !== null && bytes > field.maxBytes) {
    return problem(field, "out-of-range", `${bytes} bytes of text, at most ${field.maxBytes} are allowed`);
  }
  return null;
}

function numberProblem(field: ContractField, value: number): EventProblem | null {
  if (!Number.isFinite(value)) return problem(field, "out-of-range", `${value} is no finite number`);
  if (field.type !== "double" && !Number.isInteger(value)) return wrongType(field, "an integer", value);
  if (field.min !== null && value < field.min)
    return problem(field, "out-of-range", `${value} is below ${field.min}`);
  if (field.max !== null && value > field.max)
    return problem(field, "out-of-range", `${value} is above ${field.max}`);
  return null;
}

function wrongType(field: ContractField, expected: string, value: unknown): EventProblem {
  return problem(field, "wrong-type", `expected ${expected}, found ${found(value)}`);
}

function problem(field: ContractField, reason: RefusalReason, detail: string): EventProblem {
  return { reason, field: field.name, detail };
}

/** A short name of what was found; texts are cut, so that a refusal stays small. */
function found(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "string")
    return `text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return `${typeof value} ${String(value)}`;
}
