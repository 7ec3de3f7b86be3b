import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";

/** The object's bytes, or null where there is none. */
export async function getOrNull(store: ObjectStore, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key);
  } catch (error) {
    if (isCode(error, "object-not-found")) return null;
    throw error;
  }
}

/** Creates the object; one that is there already stays. */
export async function putOnce(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  try {
    await store.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    if (!isCode(error, "precondition-failed")) throw error;
  }
}

/** Throws code `model-corrupt` where the bytes are no JSON object. */
export function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw corrupt(`${what} is not JSON`, cause);
  }
  throw corrupt(`${what} is not a JSON object`);
}

export function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, null, 2));
}

export function corrupt(detail: string, cause?: unknown): MillraceError {
  return new MillraceError(`${detail}: train or promote another version`, {
    code: "model-corrupt",
    origin: "external",
    ...(cause === undefined ? {} : { cause }),
  });
}

export function isCode(error: unknown, code: string): error is MillraceError {
  return error instanceof MillraceError && error.code === code;
}
