import { MillraceError } from "../../schema/index.ts";
import type { EventLog } from "../ports/event-log.ts";

/** How many partitions a topic of the log has; `unknown-topic` where there is none of that name. */
export async function partitionsOf(log: Pick<EventLog, "topics">, name: string): Promise<number> {
  const spec = (await log.topics()).find((each) => each.name === name);
  if (spec !== undefined) return spec.partitions;
  throw new MillraceError(`there is no topic ${name}: run millrace topics apply`, {
    code: "unknown-topic",
    origin: "user",
  });
}
