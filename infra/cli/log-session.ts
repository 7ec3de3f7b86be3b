import { contracts, type EventContract, MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { type Adapters, openAdapters } from "../platform/adapters.ts";
import { platformTopics } from "../platform/topics.ts";
import type { CliIo } from "./cli-io.ts";

/** A topic of the log and how many partitions it has. */
export interface OpenTopic {
  readonly adapters: Adapters;
  readonly partitions: number;
}

/**
 * Opens the mode's ports for a command on one topic and closes them, whatever happens. A home that is not
 * there is refused, unless the command `makesHome`.
 */
export async function withTopic<T>(
  topic: string,
  config: Config,
  io: CliIo,
  { makesHome }: { readonly makesHome: boolean },
  use: (open: OpenTopic) => Promise<T>,
): Promise<T> {
  const adapters = await openAdapters(config, io.clock, { makesHome });
  try {
    // The embedded log may be new; in distributed mode topics are made by those who run Kafka.
    if (config.mode === "embedded") await adapters.log.createTopics(platformTopics(config));
    const topics = await adapters.log.topics();
    const found = topics.find(({ name }) => name === topic);
    if (found !== undefined) return await use({ adapters, partitions: found.partitions });
    const known = topics.map(({ name }) => name).join(", ");
    throw new MillraceError(
      known === ""
        ? `there is no topic ${topic}, nor any other: run millrace topics apply`
        : `there is no topic ${topic}; there are ${known}`,
      { code: "unknown-topic", origin: "user" },
    );
  } finally {
    await adapters.close();
  }
}

/** The contract of a topic that events are produced to. */
export function contractOfTopic(topic: string): EventContract {
  const contract = contracts.find((candidate) => candidate.topic === topic);
  if (contract !== undefined) return contract;
  const topics = contracts.map((candidate) => candidate.topic).join(", ");
  throw new MillraceError(`${topic} carries no events of a contract; use one of ${topics}`, {
    code: "no-contract-topic",
    origin: "user",
  });
}
