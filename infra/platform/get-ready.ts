import { newcomersParts } from "./share-change.ts";
import type { SpareThread } from "./spare-thread.ts";
import { tasksOfPartition } from "./topics.ts";

/** Time between two looks at whether others work: one that was killed seems to, until its session ends. */
const LOOK_EVERY_MS = 500;
/** Looks in a row that find nobody while the group changes, as it does when another process comes or goes. */
const CHANGING_LOOKS_MAX = 10;
/** Longest that a process gets ready. */
const GET_READY_MS_MAX = 60_000;

type Spare = Pick<SpareThread, "start" | "follow" | "isWarmingUp" | "isGettingReady">;

export interface GetReadyDeps {
  /** For what others will give up, which stands still until it has begun here. */
  readonly first: Spare;
  /** For what they keep, and whoever of them may die in the next moment. */
  readonly spare: Spare;
  /** Partitions that live processes have; none while the group changes. */
  readonly ownedPartitions: () => Promise<readonly number[]>;
  /** Most partitions that a thread follows. */
  readonly most: number;
  readonly isOver: () => boolean;
  readonly clock: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/**
 * Before a process joins others: resolves when both threads are warm and have the state of what they follow, or when
 * nobody works meanwhile, or it takes too long. Resolves to the partitions that it is ready for.
 */
export async function getReadyBesideOthers(deps: GetReadyDeps): Promise<readonly number[]> {
  const { first, spare, ownedPartitions, most, isOver, clock, sleep } = deps;
  const giveUpAt = clock() + GET_READY_MS_MAX;
  let begun: "none" | "first" | "both" = "none";
  let expected: readonly number[] = [];
  for (let changing = 0; !isOver() && clock() < giveUpAt; await sleep(LOOK_EVERY_MS)) {
    const parts = newcomersParts(await ownedPartitions(), most);
    if (parts === null) {
      if (begun === "none" || ++changing > CHANGING_LOOKS_MAX) return expected;
      continue;
    }
    changing = 0;
    expected = parts.given;
    first.follow(parts.given.flatMap(tasksOfPartition));
    spare.follow(parts.kept.flatMap(tasksOfPartition));
    if (begun === "none") {
      first.start();
      begun = "first";
    } else if (begun === "first" && !first.isWarmingUp) {
      // Not side by side: others work on these cores.
      spare.start();
      begun = "both";
    }
    if (begun === "both" && !first.isGettingReady && !spare.isGettingReady) return expected;
  }
  return expected;
}
