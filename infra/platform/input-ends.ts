import type { EventLog } from "../../stream/index.ts";
import { ALERTS_TOPIC, PANE_TOPIC, platformTopics } from "./topics.ts";

/** An end offset that a drain has to reach. */
export interface InputEnd {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const POLL_MS = 100;

/**
 * Waits for everything that the log holds now, first for the inputs of the first stage: when these are
 * processed, its panes are written, and the second stage can come to their end.
 */
export async function drainInOrder(
  log: EventLog,
  partitions: number,
  wait: (ends: readonly InputEnd[]) => Promise<void>,
): Promise<void> {
  await wait(await producedEnds(log, partitions));
  await wait((await inputEnds(log, partitions)).filter(isPane));
}

/** Of the topics that producers write. */
export async function producedEnds(log: EventLog, partitions: number): Promise<readonly InputEnd[]> {
  return (await inputEnds(log, partitions)).filter((end) => !isPane(end));
}

function isPane({ topic }: InputEnd): boolean {
  return topic === PANE_TOPIC;
}

/**
 * Resolves when the group has committed every end: offsets are committed behind the
 * publishing, so everything before them is in the lake. `check` throws where nobody can get there any
 * more.
 */
export async function committed(
  log: EventLog,
  group: string,
  ends: readonly InputEnd[],
  check: () => void = () => undefined,
): Promise<void> {
  for (const { topic, partition, offset } of ends) {
    // What retention has dropped, or was never written, nobody commits.
    while (offset > (await log.offsets(topic, partition)).begin) {
      if (((await log.committedOffset(group, topic, partition)) ?? 0) >= offset) break;
      check();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** End offsets of every input topic, panes included. */
async function inputEnds(log: EventLog, partitions: number): Promise<InputEnd[]> {
  const ends: InputEnd[] = [];
  const topics = platformTopics({ partitions, retentionMs: null, alertRetentionMs: null });
  for (const { name, partitions: count } of topics) {
    if (name === ALERTS_TOPIC) continue;
    for (let partition = 0; partition < count; partition++) {
      ends.push({ topic: name, partition, offset: (await log.offsets(name, partition)).end });
    }
  }
  return ends;
}
