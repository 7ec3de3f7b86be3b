import { type GroupsOf, wholeTopics } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { ALERTS_TOPIC, eventsTaskId } from "./topics.ts";

/**
 * The groups that have to process a partition before retention may touch it: the platform's own, and
 * for products and others that every events task reads along whole, that of each other task. Nobody processes
 * alerts.
 */
export function consumerGroupsOf({ partitions, kafkaGroup }: Config): GroupsOf {
  return (topic, partition) => {
    if (topic === ALERTS_TOPIC) return [];
    const groups = [kafkaGroup];
    if (!wholeTopics.includes(topic)) return groups;
    for (let other = 0; other < partitions; other++) {
      if (other !== partition) groups.push(`${kafkaGroup}/${eventsTaskId(other)}`);
    }
    return groups;
  };
}
