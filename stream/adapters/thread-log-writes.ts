import { once } from "node:events";
import { Worker as Thread } from "node:worker_threads";
import { MillraceError, type MillraceErrorOptions } from "../../schema/index.ts";
import type { AppendResult, ProducerMark } from "../ports/event-log.ts";
import type { StoredTopic } from "./log-store.ts";
import type { GroupOffset, LogWrites, PreparedBatch, UniqueEntry } from "./log-writes.ts";

export interface LogWritesData {
  readonly path: string;
  readonly mapBytes: number;
}

export type WriteRequest =
  | {
      readonly kind: "append";
      readonly batches: readonly PreparedBatch[];
      readonly producer: ProducerMark | undefined;
    }
  | {
      readonly kind: "append-unique";
      readonly topic: StoredTopic;
      readonly partition: number;
      readonly entries: readonly UniqueEntry[];
    }
  | { readonly kind: "commit-offsets"; readonly group: string; readonly offsets: readonly GroupOffset[] };

/** A write, with its number, or the end. */
export type ToLogWrites =
  | { readonly number: number; readonly nowMs: number; readonly request: WriteRequest }
  | "close";

export type WriteOutcome =
  | { readonly value: AppendResult | number | null }
  | { readonly failure: MillraceErrorOptions & { readonly message: string } };

export interface FromLogWrites {
  readonly number: number;
  readonly outcome: WriteOutcome;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes on a thread of their own: whoever computes all the time (a worker of the stream) neither waits
 * for the disk nor for the commits of producers, which hold LMDB's one write lock. Where the
 * process ends with writes on their way, each of them is there whole or not at all, as ever.
 */
export class ThreadLogWrites implements LogWrites {
  private readonly thread: Thread;
  private readonly clock: () => number;
  private readonly waiting = new Map<number, Waiting>();
  private sent = 0;
  private closed = false;

  constructor(data: LogWritesData, clock: () => number) {
    this.clock = clock;
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.thread = new Thread(new URL(`./log-writes-thread.${extension}`, import.meta.url), {
      workerData: data,
      name: "log-writes",
    });
    this.thread.on("message", (message: FromLogWrites) => this.settle(message));
    this.thread.on("error", (error) => this.fail(error));
    this.thread.on("exit", () => this.fail(null));
  }

  append(batches: readonly PreparedBatch[], producer?: ProducerMark): Promise<AppendResult> {
    const transfers = batches.flatMap(({ chunks }) => chunks.map(({ bytes }) => bytes.buffer as ArrayBuffer));
    return this.send({ kind: "append", batches, producer }, transfers);
  }

  appendUnique(topic: StoredTopic, partition: number, entries: readonly UniqueEntry[]): Promise<number> {
    return this.send({ kind: "append-unique", topic, partition, entries });
  }

  commitOffsets(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    return this.send({ kind: "commit-offsets", group, offsets });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const ended = once(this.thread, "exit");
    this.thread.postMessage("close" satisfies ToLogWrites);
    await ended;
  }

  /** At once, not at the end of the turn: the caller may go on computing, and somebody waits for an alert. */
  private send<T>(request: WriteRequest, transfers: ArrayBuffer[] = []): Promise<T> {
    if (this.closed) return Promise.reject(closedError());
    const number = this.sent++;
    const message: ToLogWrites = { number, nowMs: this.clock(), request };
    this.thread.postMessage(message, transfers);
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
    });
  }

  private settle({ number, outcome }: FromLogWrites): void {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    if ("value" in outcome) waiting?.resolve(outcome.value as never);
    else waiting?.reject(new MillraceError(outcome.failure.message, outcome.failure));
  }

  /** The thread is gone: what was on its way may be on the disk or not. */
  private fail(error: unknown): void {
    this.closed = true;
    const failure =
      error === null
        ? closedError()
        : new MillraceError(`the thread that writes the event log ended: ${String(error)}; start again`, {
            code: "log-write-failed",
            origin: "internal",
            retry: true,
            cause: error,
          });
    for (const { reject } of this.waiting.values()) reject(failure);
    this.waiting.clear();
  }
}

function closedError(): MillraceError {
  return new MillraceError("the event log is closed", { code: "log-closed", origin: "internal" });
}
