import type { EventContract } from "./contract.ts";
import { contracts } from "./generated/index.ts";

/** The newest contract of a topic, or null where the topic carries none of ours. */
export function contractByTopic(topic: string): EventContract | null {
  return contracts.find((contract) => contract.topic === topic) ?? null;
}
