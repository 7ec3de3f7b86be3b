import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";

/** What lets one of several processes take a turn, named by its start, and no other, nor the next one before it is over. */
export interface RunClaims {
  /**
   * Whether the turn is this process's; false where it or a later one was taken, or another is under way. Of two
   * that claim different turns at the same moment it may be neither's.
   */
  claim(turn: number): Promise<boolean>;
  /** Says that a turn goes on which takes long. */
  renew(turn: number): Promise<void>;
  /** The turn is over, and the next may begin. */
  finish(turn: number): Promise<void>;
  /** Gives a turn back that was taken and not used. */
  release(turn: number): Promise<void>;
}

const TURN_DIGITS = 16;
const DONE = ".done";
/** A turn that is neither over nor renewed by then is that of a process that was killed. */
const TURN_MS_MAX = 3_600_000;

interface Taken {
  readonly key: string;
  readonly isDone: boolean;
  /** Whether it keeps nobody from a turn: of a process that was killed, or of a clock that was hours ahead. */
  readonly isVoid: boolean;
}

/** Turns as objects of a store, of which the first creator has it. */
export function runClaims(objects: ObjectStore, prefix: string, clock: () => number): RunClaims {
  const keyOf = (turn: number): string => `${prefix}${String(turn).padStart(TURN_DIGITS, "0")}`;

  /** In the order of their turns. */
  async function taken(): Promise<Taken[]> {
    const found: { readonly key: string; readonly modifiedAt: number }[] = [];
    for await (const { key, modifiedAt } of objects.list(prefix)) found.push({ key, modifiedAt });
    const done = new Set(found.filter(({ key }) => key.endsWith(DONE)).map(({ key }) => key));
    const now = clock();
    return found.map(({ key, modifiedAt }) => {
      const isDone = done.has(key) || done.has(`${key}${DONE}`);
      const turn = Number(key.slice(prefix.length).replace(DONE, ""));
      const isAhead = turn > now + TURN_MS_MAX;
      return { key, isDone, isVoid: isAhead || (!isDone && modifiedAt + TURN_MS_MAX < now) };
    });
  }

  return {
    async claim(turn) {
      const own = keyOf(turn);
      const before = await taken();
      // Of an older turn, a process whose clock is behind may not begin.
      if (before.some(({ key, isDone, isVoid }) => !isVoid && (!isDone || key >= own))) return false;
      try {
        await objects.put(own, new Uint8Array(0), { ifAbsent: true });
      } catch (error) {
        if (error instanceof MillraceError && error.code === "precondition-failed") return false;
        throw error;
      }
      const others = (await taken()).filter(({ key }) => key !== own);
      // Who claimed another turn meanwhile may see this one, or not: only where nobody else is there it is safe to begin.
      if (others.some(({ isDone, isVoid }) => !isDone && !isVoid)) {
        await objects.delete([own]);
        return false;
      }
      await objects.delete(before.map(({ key }) => key));
      return true;
    },
    renew: (turn) => objects.put(keyOf(turn), new Uint8Array(0)),
    finish: (turn) => objects.put(`${keyOf(turn)}${DONE}`, new Uint8Array(0)),
    release: (turn) => objects.delete([keyOf(turn)]),
  };
}
