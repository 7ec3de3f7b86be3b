/** Time between two turns after which others may have taken the tasks over. */
export const OWNERSHIP_PAUSE_MS = 2000;

/**
 * What looks again wherever it is called behind a pause: a process that slept may find its tasks with another owner,
 * and hot values are guarded by no conditional write.
 *
 * @param begunAt when it was last looked, by the same clock
 */
export function lookAfterPauses(
  clock: () => number,
  look: () => Promise<void>,
  begunAt: number,
): () => Promise<void> {
  let calledAt = begunAt;
  return async () => {
    const now = clock();
    const pausedMs = now - calledAt;
    calledAt = now;
    if (pausedMs >= OWNERSHIP_PAUSE_MS) await look();
  };
}
