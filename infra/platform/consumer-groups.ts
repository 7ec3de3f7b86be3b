import { productContract } from "../../schema/index.ts";
import type { GroupsOf } from "../../stream/index.ts";
import { CONSUMER_GROUP } from "./platform-config.ts";
import { ALERTS_TOPIC, eventsTaskId } from "./topics.ts";

/**
 * The groups that have to process a partition before retention may touch it: the platform's own, and
 * for products, which every events task reads along whole, that of each other task. Nobody processes
 * alerts.
 */
export function consumerGroupsOf(partitions: number): GroupsOf {
  return (topic, partition) => {
    if (topic === ALERTS_TOPIC) return [];
    const groups = [CONSUMER_GROUP];
    if (topic !== productContract.topic) return groups;
    for (let other = 0; other < partitions; other++) {
      if (other !== partition) groups.push(`${CONSUMER_GROUP}/${eventsTaskId(other)}`);
    }
    return groups;
  };
}
