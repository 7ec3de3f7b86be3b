import type { RecordBatch } from "../../schema/index.ts";
import type { EventLog, LogReader, ReadOnLimits } from "../../stream/index.ts";

/** The log in which every topic's name begins with the prefix: several platforms can share one Kafka. */
export function createPrefixedLog(log: EventLog, prefix: string): EventLog {
  if (prefix === "") return log;
  const full = (name: string): string => prefix + name;
  return {
    createTopics: (specs) => log.createTopics(specs.map((spec) => ({ ...spec, name: full(spec.name) }))),
    async topics() {
      const own = (await log.topics()).filter(({ name }) => name.startsWith(prefix));
      return own.map((spec) => ({ ...spec, name: spec.name.slice(prefix.length) }));
    },
    append: (batches, producer) =>
      log.append(
        batches.map((batch) => ({ ...batch, topic: full(batch.topic) })),
        producer,
      ),
    producerSequence: (id) => log.producerSequence(id),
    offsets: (topic, partition) => log.offsets(full(topic), partition),
    ...(log.topicId && { topicId: (topic: string) => log.topicId!(full(topic)) }),
    reader: async (topic, partition, offset) =>
      renamed(await log.reader(full(topic), partition, offset), topic),
    commitOffsets: (group, offsets) =>
      log.commitOffsets(
        group,
        offsets.map((each) => ({ ...each, topic: full(each.topic) })),
      ),
    committedOffset: (group, topic, partition) => log.committedOffset(group, full(topic), partition),
    enforceRetention: (nowMs, groupsOf) =>
      log.enforceRetention(nowMs, (topic, partition) => groupsOf(topic.slice(prefix.length), partition)),
    close: () => log.close(),
  };
}

/** What it reads names the topic as whoever asked for it does. */
function renamed(reader: LogReader, topic: string): LogReader {
  return {
    get position() {
      return reader.position;
    },
    get isBehind() {
      return reader.isBehind === true;
    },
    read(limits) {
      const batch = reader.read(limits);
      return batch === null ? null : { ...batch, topic };
    },
    ...(reader.look && { look: () => reader.look?.() }),
    ...(reader.readOn && {
      readOn: (last: RecordBatch, limits: ReadOnLimits) => reader.readOn?.(last, limits) ?? last,
    }),
    wait: (timeoutMs) => reader.wait(timeoutMs),
    close: () => reader.close(),
  };
}
