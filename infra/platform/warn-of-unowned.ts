export interface WarnOfUnownedOptions {
  /** How many there are. */
  readonly partitions: number;
  /** Those that a live worker has. */
  readonly ownedPartitions: () => Promise<readonly number[]>;
  readonly warn: (message: string) => void;
  /** Resolves after so many ms, or rejects when the signal does. */
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

const CHECK_MS = 3_000;

/**
 * While somebody waits for workers, says which partitions no worker has: nobody would process them,
 * ever. Once for the same partitions, and only where they are nobody's in two checks in a row, because
 * a group that changes has no owners for a moment. Resolves when the signal ends it.
 */
export async function warnOfUnowned(options: WarnOfUnownedOptions): Promise<void> {
  const { partitions, ownedPartitions, warn, sleep, signal } = options;
  let before: readonly number[] = [];
  let told = "";
  while (!signal.aborted) {
    await sleep(CHECK_MS).catch(() => undefined);
    // Where the group's server is away, the wait itself says so.
    const owned = await ownedPartitions().catch(() => null);
    if (owned === null || signal.aborted) continue;
    const unowned = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => !owned.includes(partition),
    );
    const lasting = unowned.filter((partition) => before.includes(partition)).join(", ");
    if (lasting !== "" && lasting !== told)
      warn(`no worker has partition ${lasting}: start \`millrace worker\`; waiting for it`);
    told = lasting;
    before = unowned;
  }
}
