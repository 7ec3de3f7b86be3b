/** What one thread of a worker process has. */
export interface Share {
  readonly partitions: readonly number[];
}

export interface ShareChange<T extends Share> {
  /** Go on as they are. */
  readonly staying: readonly T[];
  /** Have to end with a last checkpoint before the others may begin. */
  readonly ending: readonly T[];
  /** For a thread of their own; empty where nothing is to begin. */
  readonly beginning: readonly number[];
}

/** Threads of one process that share its cores; with more to begin, all begin anew together. */
export const SHARES_MAX = 3;

/**
 * What has to be done so that a process has these partitions and no others. Tasks whose partitions stay
 * are left alone where that is possible: a stop and a start of theirs would take seconds in which they
 * process nothing, and what another process left when it was killed would wait for it.
 */
export function shareChange<T extends Share>(
  shares: readonly T[],
  partitions: readonly number[],
): ShareChange<T> {
  const staying = shares.filter((share) => share.partitions.every((own) => partitions.includes(own)));
  const kept = new Set(staying.flatMap((share) => share.partitions));
  const beginning = partitions.filter((partition) => !kept.has(partition));
  if (beginning.length > 0 && staying.length >= SHARES_MAX)
    return { staying: [], ending: shares, beginning: partitions };
  return { staying, ending: shares.filter((share) => !staying.includes(share)), beginning };
}

/**
 * Partitions of others that a process stands by for, at most so many: those behind its own, so that processes with
 * different ones stand by for different ones. None where it has none itself, and so no place among the others yet.
 */
export function standbyPartitions(
  own: readonly number[],
  { partitions, most }: { readonly partitions: number; readonly most: number },
): readonly number[] {
  const first = (own.at(-1) ?? -1) + 1;
  const behind = Array.from({ length: partitions }, (_, i) => (first + i) % partitions);
  return behind.filter((partition) => !own.includes(partition)).slice(0, most);
}

/**
 * What a process that comes to others may expect of the partitions that they have: those that they give to it, taken
 * for half of them, as it is beside one other, and those that they keep; at most so many of each. Null where nobody
 * has any.
 */
export function newcomersParts(
  owned: readonly number[],
  most: number,
): { readonly given: readonly number[]; readonly kept: readonly number[] } | null {
  if (owned.length === 0) return null;
  const ascending = [...owned].sort((a, b) => a - b);
  // The others give up their highest, as the group's assignment says.
  const given = ascending.splice(Math.ceil(owned.length / 2));
  return { given: given.slice(Math.max(0, given.length - most)), kept: ascending.slice(0, most) };
}
