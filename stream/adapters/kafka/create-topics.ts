import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, ITopicConfig } from "kafkajs";

const LOOK_EVERY_MS = 100;
const LOOKS_MAX = 300;

/**
 * Creates topics and waits until each partition has a leader. A busy broker tells of a topic some time after it
 * has created it: kafkajs's own wait fails there.
 */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  // False where another process was faster: what it created is the caller's to compare.
  await admin.createTopics({ topics: [...topics], waitForLeaders: false });
  const names = topics.map(({ topic }) => topic);
  for (let look = 1; !(await haveLeaders(admin, names, look === LOOKS_MAX)); look++)
    await sleep(LOOK_EVERY_MS);
}

async function haveLeaders(admin: Admin, names: readonly string[], isLastLook: boolean): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
    if (topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return true;
    if (!isLastLook) return false;
  } catch (error) {
    if (!isLastLook && (error as { retriable?: unknown }).retriable === true) return false;
    throw error;
  }
  throw new Error("a new topic has no leader yet; try again when all brokers run");
}
