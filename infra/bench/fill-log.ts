import { createReferenceEvents, endOfInput, type ReferenceOptions } from "../../stream/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { platformTopics } from "../platform/topics.ts";

/** Appends the reference events to the log of a home folder; returns how many of them are malformed. */
export async function fillLog(home: string, options: ReferenceOptions): Promise<number> {
  const adapters = openEmbeddedAdapters(home, Date.now);
  const { partitions } = options;
  await adapters.log.createTopics(platformTopics({ partitions, retentionMs: null, alertRetentionMs: null }));
  const source = createReferenceEvents(options);
  for (const batches of source) await adapters.log.append(batches);
  const ends = Array.from({ length: partitions }, (_, partition) => endOfInput("customer-events", partition));
  await adapters.log.append(ends);
  await adapters.close();
  return source.counts.malformed;
}
