import { MillraceError } from "../../schema/index.ts";
import type { EventLog, LogReader } from "../ports/event-log.ts";
import type { Checkpoint } from "./checkpoint-store.ts";

/** What a task does whose next record is not in the log any more; see {@link openInput}. */
export interface LostInput {
  readonly action: "stop" | "skip";
  /** Hears of each input that was skipped in. */
  readonly onSkipped: (message: string) => void;
}

export interface OpenedInput {
  readonly reader: LogReader;
  readonly position: number;
  /** Null where the log's topics cannot be made again under their names. */
  readonly topicId: string | null;
  /** Records that the log no longer had, as far as offsets tell. */
  readonly lost: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface Loss {
  readonly what: string;
  readonly lost: number;
  readonly goOnAt: number;
}

/**
 * Opens an input behind a checkpoint; without one, at the oldest record. A log on servers may not have the
 * record that the checkpoint names as the next: retention has dropped it, or the topic was deleted and made
 * again, whose offsets begin anew and may soon be in range again. Going on would leave records out without a
 * word, so by default the task stops: rejects with code `input-lost`. Told to skip, it says so, counts, and
 * goes on with the oldest record that was not processed.
 */
export async function openInput(
  place: Place,
  checkpoint: Pick<Checkpoint, "inputs" | "topicIds"> | null,
  log: EventLog,
  lostInput: LostInput,
): Promise<OpenedInput> {
  const { topic, partition } = place;
  const saved = checkpoint?.inputs.find((i) => i.topic === topic && i.partition === partition);
  const known = checkpoint?.topicIds?.[topic];
  const [topicId, found] = await Promise.all([
    log.topicId?.(topic) ?? null,
    saved === undefined ? null : readerUnlessLost(place, saved.offset, log),
  ]);
  if (saved === undefined) {
    const { begin } = await log.offsets(topic, partition);
    return { reader: await log.reader(topic, partition, begin), position: begin, topicId, lost: 0 };
  }
  const isOther = known !== undefined && topicId !== null && topicId !== known;
  if (found !== null && !isOther) return { reader: found, position: saved.offset, topicId, lost: 0 };
  found?.close();
  const loss = lossOf(saved.offset, isOther, await log.offsets(topic, partition));
  const { what, goOnAt, lost } = loss;
  const message = `${topic}[${partition}]: the next record of this task is offset ${saved.offset}, but ${what}`;
  if (lostInput.action === "stop") throw lostError(message, goOnAt);
  lostInput.onSkipped(`${message}; going on at offset ${goOnAt}, as lostInput=skip says`);
  return { reader: await log.reader(topic, partition, goOnAt), position: goOnAt, topicId, lost };
}

/** Null where the log has no such offset. */
async function readerUnlessLost(
  { topic, partition }: Place,
  offset: number,
  log: EventLog,
): Promise<LogReader | null> {
  try {
    return await log.reader(topic, partition, offset);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "offset-out-of-range") return null;
    throw error;
  }
}

function lossOf(next: number, isOther: boolean, { begin, end }: { begin: number; end: number }): Loss {
  if (isOther) {
    const what = `the topic was deleted and made again since (it keeps ${begin} to ${end}); records of the old one that no checkpoint covers are gone`;
    return { what, lost: 0, goOnAt: begin };
  }
  if (next < begin) {
    const lost = begin - next;
    const what = `the log keeps records from ${begin} on: ${lost} were dropped before they were processed`;
    return { what, lost, goOnAt: begin };
  }
  // Brokers that lost their newest records give these offsets to others.
  const what = `the log ends at ${end}: it has lost records that were processed already, or is older than the checkpoints (infra/operations/backup.md)`;
  return { what, lost: 0, goOnAt: end };
}

function lostError(message: string, goOnAt: number): MillraceError {
  return new MillraceError(
    `${message}. Bring the records back, or start once with lostInput=skip (MILLRACE_LOST_INPUT), which goes on at ${goOnAt} and counts what is left out`,
    { code: "input-lost", origin: "user" },
  );
}
