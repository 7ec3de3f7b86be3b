import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";

/** What lets one of several processes take a turn, named by its start, and no other, nor the next one before it is over. */
export interface RunClaims {
  /** Whether the turn is this process's; false where it or a later one was taken, or the one before is under way. */
  claim(turn: number): Promise<boolean>;
  /** The turn is over, and the next may begin. */
  finish(turn: number): Promise<void>;
  /** Gives a turn back that was taken and not used. */
  release(turn: number): Promise<void>;
}

const TURN_DIGITS = 16;
const DONE = ".done";
/** A turn that is not over by then is that of a process that was killed. */
const TURN_MS_MAX = 3_600_000;

/** Turns as objects of a store, of which the first creator has it. */
export function runClaims(objects: ObjectStore, prefix: string, clock: () => number): RunClaims {
  const keyOf = (turn: number): string => `${prefix}${String(turn).padStart(TURN_DIGITS, "0")}`;

  /** The keys there are, in the order of their turns; null where the turn may not begin. */
  async function takenBefore(own: string): Promise<string[] | null> {
    const keys: string[] = [];
    let newestAt = 0;
    for await (const { key, modifiedAt } of objects.list(prefix)) {
      keys.push(key);
      newestAt = modifiedAt;
    }
    const newest = keys.at(-1);
    if (newest === undefined) return keys;
    // Of an older turn, a process whose clock is behind may not begin.
    if (newest >= own) return null;
    return newest.endsWith(DONE) || newestAt + TURN_MS_MAX < clock() ? keys : null;
  }

  return {
    async claim(turn) {
      const own = keyOf(turn);
      const taken = await takenBefore(own);
      if (taken === null) return false;
      try {
        await objects.put(own, new Uint8Array(0), { ifAbsent: true });
      } catch (error) {
        if (error instanceof MillraceError && error.code === "precondition-failed") return false;
        throw error;
      }
      await objects.delete(taken);
      return true;
    },
    finish: (turn) => objects.put(`${keyOf(turn)}${DONE}`, new Uint8Array(0)),
    release: (turn) => objects.delete([keyOf(turn)]),
  };
}
