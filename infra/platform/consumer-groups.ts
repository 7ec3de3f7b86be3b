import type { GroupsOf } from "../../stream/index.ts";
import { CONSUMER_GROUP } from "./platform-config.ts";
import { ALERTS_TOPIC, eventsTaskId } from "./topics.ts";

/** Topic whose partitions every events task reads along, for the names and prices of all products. */
const PRODUCTS_TOPIC = "products";

/**
 * The groups that have to process a partition before retention may touch it: the platform's own, and
 * for products that of each other task that reads the partition along. Nobody processes alerts.
 */
export function consumerGroupsOf(partitions: number): GroupsOf {
  return (topic, partition) => {
    if (topic === ALERTS_TOPIC) return [];
    const groups = [CONSUMER_GROUP];
    if (topic !== PRODUCTS_TOPIC) return groups;
    for (let other = 0; other < partitions; other++) {
      if (other !== partition) groups.push(`${CONSUMER_GROUP}/${eventsTaskId(other)}`);
    }
    return groups;
  };
}
