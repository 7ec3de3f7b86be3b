/** What a member of the group says of itself. */
export interface MemberClaim {
  readonly id: string;
  /** Generation in which it got the partitions it claims. */
  readonly generation: number;
  readonly owned: readonly number[];
  /** Partitions of others that it can take up soonest. */
  readonly standby?: readonly number[];
}

/**
 * Divides partitions evenly, leaving as many as possible where they are (KIP-429's cooperative
 * hand-over): a partition that has to move is left out until its owner has stopped working on it and
 * joins again without it. One that nobody has goes to a member that stands by for it, where that one has room.
 *
 * Pure and deterministic. Where two claim the same partition, the later generation has it: the other
 * was held for dead in between.
 */
export function assignPartitions(
  members: readonly MemberClaim[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const owners = ownersOf(members, partitions);
  const kept = new Map<string, number[]>(members.map(({ id }) => [id, []]));
  for (const [partition, id] of owners) kept.get(id)?.push(partition);
  const quotas = quotasOf(kept, partitions);
  const wanted = new Set(members.flatMap(({ owned, standby = [] }) => (owned.length === 0 ? standby : [])));
  for (const [id, own] of kept) {
    // What moves is what a newcomer stands by for, or else the highest.
    own.sort((a, b) => Number(wanted.has(a)) - Number(wanted.has(b)) || a - b);
    own.splice(quotas.get(id) ?? 0);
  }
  let free = Array.from({ length: partitions }, (_, partition) => partition).filter((p) => !owners.has(p));
  // Partitions that move have their place already, or free ones would take it and move on.
  const give = (id: string, isWanted: (partition: number) => boolean): void => {
    const own = kept.get(id) ?? [];
    const given = free.filter(isWanted).slice(0, (quotas.get(id) ?? 0) - own.length);
    own.push(...given);
    free = free.filter((partition) => !given.includes(partition));
  };
  for (const { id, standby = [] } of members) give(id, (partition) => standby.includes(partition));
  for (const { id } of members) give(id, () => true);
  for (const own of kept.values()) own.sort((a, b) => a - b);
  return kept;
}

function ownersOf(members: readonly MemberClaim[], partitions: number): Map<number, string> {
  const owners = new Map<number, string>();
  for (const { id, owned } of [...members].sort(
    (a, b) => a.generation - b.generation || (a.id < b.id ? -1 : 1),
  )) {
    for (const partition of owned) {
      if (Number.isInteger(partition) && partition >= 0 && partition < partitions) owners.set(partition, id);
    }
  }
  return owners;
}

/** An even share each; the one more that some have goes to those that have most already. */
function quotasOf(kept: ReadonlyMap<string, readonly number[]>, partitions: number): Map<string, number> {
  const share = Math.floor(partitions / kept.size);
  let extra = partitions % kept.size;
  const byOwned = [...kept].sort(([a, own], [b, other]) => other.length - own.length || (a < b ? -1 : 1));
  return new Map(byOwned.map(([id]) => [id, share + (extra-- > 0 ? 1 : 0)]));
}
