import type { ObjectStore } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import type { GateResult } from "./promotion-gate.ts";
import { corrupt, getOrNull, isCode, parseObject, toJson } from "./stored-object.ts";

export type ModelAlias = "champion" | "challenger";

/** Versions by alias; null: none, and the plugin's built-in model scores. */
export type ModelAliases = Readonly<Record<ModelAlias, string | null>>;

/** What was done, by whom and why. */
export interface AliasDecision {
  readonly action: "challenge" | "promote" | "rollback";
  /** The alias that moves, and where to. */
  readonly alias: ModelAlias;
  readonly to: string | null;
  /** A person or a command. */
  readonly by: string;
  readonly reason: string;
  /** Promoted although the gate said no. */
  readonly forced: boolean;
  /** Null where no gate was asked: for challengers and roll-backs. */
  readonly gate: GateResult | null;
}

/** One entry of a plugin's audit log; immutable. */
export interface AliasChange extends AliasDecision {
  /** 1, 2, 3, …, without a gap. */
  readonly sequence: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly from: string | null;
  /** All aliases behind this change. */
  readonly aliases: ModelAliases;
}

const NO_ALIASES: ModelAliases = { champion: null, challenger: null };
/** Tries of a change against others that are made at the same time. */
const ATTEMPTS_MAX = 8;

/**
 * The aliases of a plugin as the list of their changes, `PREFIX/changes/0000000001.json` and so on:
 * the audit log is the state, so that neither can say other than the other. An entry is created once
 * and never replaced. That conditional put is the commit point of a change: a crash before it leaves
 * the aliases as they were, a crash after it leaves the change done, and there is nothing between.
 */
export class AliasLog {
  private readonly store: ObjectStore;
  private readonly prefix: string;
  private readonly what: string;

  /** @param what the plugin, for messages */
  constructor(store: ObjectStore, prefix: string, what: string) {
    this.store = store;
    this.prefix = `${prefix}/changes/`;
    this.what = what;
  }

  /** All changes, oldest first. Rejects with code `model-corrupt` where one is unreadable. */
  async changes(): Promise<readonly AliasChange[]> {
    const found: AliasChange[] = [];
    for (const sequence of await this.sequences()) found.push(await this.read(sequence));
    return found;
  }

  /** The changes that can be read, oldest first. */
  async readableChanges(): Promise<readonly AliasChange[]> {
    const found: AliasChange[] = [];
    for (const sequence of await this.sequences()) {
      const change = await this.readOrNull(sequence);
      if (change !== null) found.push(change);
    }
    return found;
  }

  /** The newest change, or null before the first. Rejects with code `model-corrupt`. */
  async newest(): Promise<AliasChange | null> {
    const last = (await this.sequences()).at(-1);
    return last === undefined ? null : this.read(last);
  }

  /** Whether anything changed after the change of that number: one look-up of one key. */
  async hasChangeAfter(sequence: number): Promise<boolean> {
    return (await this.store.head(this.key(sequence + 1))) !== null;
  }

  /**
   * Adds what `decide` makes of the aliases as they are; it is asked again where another change came
   * first, and null changes nothing. An unreadable newest change is passed over, so that the next one
   * mends it. Rejects with code `model-alias-busy` after {@link ATTEMPTS_MAX} tries.
   */
  async append(
    at: number,
    decide: (aliases: ModelAliases) => Promise<AliasDecision | null> | AliasDecision | null,
  ): Promise<AliasChange | null> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const sequences = await this.sequences();
      const aliases = await this.newestReadable(sequences);
      const decision = await decide(aliases);
      if (decision === null) return null;
      const { alias, to } = decision;
      const behind = { ...aliases, [alias]: to };
      // Who is champion challenges nobody.
      if (behind.challenger === behind.champion) behind.challenger = null;
      const change: AliasChange = {
        sequence: (sequences.at(-1) ?? 0) + 1,
        at: new Date(at).toISOString(),
        ...decision,
        from: aliases[alias],
        aliases: behind,
      };
      if (await this.create(change)) return change;
    }
    throw new MillraceError(
      `the aliases of ${this.what} were changed by others ${ATTEMPTS_MAX} times in a row: look at them, and try again`,
      { code: "model-alias-busy", origin: "external", retry: true },
    );
  }

  /** Whether this change has the number now; false where another one does. */
  private async create(change: AliasChange): Promise<boolean> {
    const bytes = toJson(change);
    try {
      await this.store.put(this.key(change.sequence), bytes, { ifAbsent: true });
      return true;
    } catch (error) {
      if (!isCode(error, "precondition-failed")) throw error;
    }
    // A client that repeats a put whose answer was lost is refused for its own bytes.
    const stored = await getOrNull(this.store, this.key(change.sequence));
    return stored !== null && Buffer.from(stored).equals(Buffer.from(bytes));
  }

  private async newestReadable(sequences: readonly number[]): Promise<ModelAliases> {
    for (const sequence of sequences.toReversed()) {
      const change = await this.readOrNull(sequence);
      if (change !== null) return change.aliases;
    }
    return NO_ALIASES;
  }

  private async readOrNull(sequence: number): Promise<AliasChange | null> {
    try {
      return await this.read(sequence);
    } catch (error) {
      if (isCode(error, "model-corrupt")) return null;
      throw error;
    }
  }

  private async sequences(): Promise<number[]> {
    const found: number[] = [];
    for await (const { key } of this.store.list(this.prefix)) {
      const digits = /^(\d{10})\.json$/.exec(key.slice(this.prefix.length));
      if (digits !== null) found.push(Number(digits[1]));
    }
    return found.sort((a, b) => a - b);
  }

  private async read(sequence: number): Promise<AliasChange> {
    const what = `change ${sequence} of the aliases of ${this.what}`;
    const change = parseObject(await this.store.get(this.key(sequence)), what) as Partial<AliasChange>;
    const { aliases } = change;
    if (change.sequence !== sequence || !isAliases(aliases)) throw corrupt(`${what} names no aliases`);
    return change as AliasChange;
  }

  private key(sequence: number): string {
    return `${this.prefix}${String(sequence).padStart(10, "0")}.json`;
  }
}

/**
 * The champions before the present one, newest first, as roll-backs walk back: each undoes the newest
 * promotion that is not undone yet, and with it those whose champions it passed over. Null is the built-in
 * model.
 */
export function championsBefore(changes: readonly AliasChange[]): readonly (string | null)[] {
  const before: (string | null)[] = [];
  for (const { action, alias, from, to } of changes) {
    if (alias !== "champion") continue;
    if (action !== "rollback") before.push(from);
    // The change that it undoes is unreadable where nothing came from there.
    else before.length = Math.max(0, before.includes(to) ? before.lastIndexOf(to) : before.length - 1);
  }
  return before.reverse();
}

function isAliases(value: unknown): value is ModelAliases {
  if (typeof value !== "object" || value === null) return false;
  const { champion, challenger } = value as Record<string, unknown>;
  return [champion, challenger].every(
    (version) => version === null || (typeof version === "string" && version !== ""),
  );
}
