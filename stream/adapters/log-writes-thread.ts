import { parentPort, workerData } from "node:worker_threads";
import { MillraceError } from "../../schema/index.ts";
import { LogStore } from "./log-store.ts";
import { LogWakeup } from "./log-wakeup.ts";
import { OwnLogWrites } from "./log-writes.ts";
import type {
  FromLogWrites,
  LogWritesData,
  ToLogWrites,
  WriteOutcome,
  WriteRequest,
} from "./thread-log-writes.ts";

/** Entry of the thread behind ThreadLogWrites. */

const port = parentPort;
if (port === null) throw new Error("log-writes-thread runs on a worker thread only");
const { path, mapBytes } = workerData as LogWritesData;
const store = new LogStore(path, mapBytes);
const wakeup = new LogWakeup({ path, look: () => store.sequence(), pollMsMin: 1, pollMsMax: 1 });
/** Time of the requests whose writes are about to be queued or committed. */
let nowMs = 0;
const writes = new OwnLogWrites(store, wakeup, () => nowMs);

port.on("message", async (message: ToLogWrites) => {
  if (message === "close") {
    await writes.close();
    wakeup.close();
    await store.close();
    port.close();
    return;
  }
  nowMs = message.nowMs;
  const outcome = await write(message.request).catch(failureOf);
  port.postMessage({ number: message.number, outcome } satisfies FromLogWrites);
});

async function write(request: WriteRequest): Promise<WriteOutcome> {
  switch (request.kind) {
    case "append":
      return { value: await writes.append(request.batches.map(withBuffers), request.producer) };
    case "append-unique":
      return { value: await writes.appendUnique(request.topic, request.partition, request.entries) };
    case "commit-offsets":
      await writes.commitOffsets(request.group, request.offsets);
      return { value: null };
  }
}

type Appended = Extract<WriteRequest, { kind: "append" }>["batches"][number];

/** A buffer comes as its bytes. */
function withBuffers(batch: Appended): Appended {
  const chunks = batch.chunks.map(({ count, bytes }) => ({
    count,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
  }));
  return { ...batch, chunks };
}

function failureOf(error: unknown): WriteOutcome {
  if (error instanceof MillraceError) {
    const { message, code, origin, retry } = error;
    return { failure: { message, code, origin, retry } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { failure: { message, code: "log-write-failed", origin: "internal", retry: false } };
}
