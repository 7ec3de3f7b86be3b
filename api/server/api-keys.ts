import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller, NoCaller } from "../modules/common/caller.ts";

/** A key that a caller proves to be one by. */
export interface ApiKey extends Caller {
  readonly key: string;
}

const BEARER = /^Bearer +(\S+)$/i;

/** Finds the caller of an `Authorization` header. */
export function createCallers(keys: readonly ApiKey[]): (authorization: unknown) => Caller | NoCaller {
  const known = keys.map(({ key, name, role }) => ({ digest: digestOf(key), caller: { name, role } }));
  return (authorization) => {
    const given = typeof authorization === "string" ? BEARER.exec(authorization)?.[1] : undefined;
    if (given === undefined) return "no-key";
    const digest = digestOf(given);
    // All of them, in the same time each: how long it takes tells nothing of a key.
    return known.filter((one) => timingSafeEqual(one.digest, digest))[0]?.caller ?? "unknown-key";
  };
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
