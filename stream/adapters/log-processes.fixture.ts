import { parentPort, workerData } from "node:worker_threads";
import { LmdbEventLog } from "./lmdb-event-log.ts";

/** What a worker thread or child process of the tests is to do with the log. */
export type LogErrand =
  | { readonly kind: "append"; readonly path: string; readonly name: string; readonly count: number }
  | { readonly kind: "fill"; readonly path: string; readonly sizes: readonly number[] }
  | { readonly kind: "tail"; readonly path: string; readonly count: number };

export const SHARED_TOPIC = "shared";
export const RECORDS_PER_APPEND = 10;
/** Longer than a test may take: only a wake-up ends the wait. */
const WAIT_MS = 600_000;

/**
 * `append`: appends batches of 10 records `<name>/<batch>/<i>`, each with producer sequence = batch,
 * from the producer's last on, and says each batch's number once it is durable. `tail`: says every
 * value that it reads. `fill`: appends one record of each size, and says how each append ended.
 */
async function run(errand: LogErrand, say: (line: string) => void): Promise<void> {
  const log = new LmdbEventLog({ path: errand.path, clock: Date.now });
  if (errand.kind === "append") await append(log, errand, say);
  else if (errand.kind === "fill") await fill(log, errand.sizes, say);
  else await tail(log, errand.count, say);
  await log.close();
}

async function append(
  log: LmdbEventLog,
  errand: { readonly name: string; readonly count: number },
  say: (line: string) => void,
): Promise<void> {
  const first = (await log.producerSequence(errand.name)) + 1;
  for (let sequence = first; sequence < first + errand.count; sequence++) {
    await log.append([valuesOf(errand.name, sequence, 0), valuesOf(errand.name, sequence, 1)], {
      id: errand.name,
      sequence,
    });
    say(String(sequence));
  }
}

/** Half of the records of a batch goes to each of the two partitions. */
function valuesOf(name: string, sequence: number, partition: number) {
  const half = RECORDS_PER_APPEND / 2;
  const values = Array.from({ length: half }, (_, i) => `${name}/${sequence}/${i + partition * half}`);
  const bytes = Buffer.from(values.join(""));
  const ends = new Int32Array(half);
  let at = 0;
  for (let i = 0; i < half; i++) {
    at += values[i].length;
    ends[i] = at;
  }
  const starts = Int32Array.of(0, ...ends.subarray(0, half - 1));
  return { topic: SHARED_TOPIC, partition, count: half, bytes, starts, ends };
}

async function fill(log: LmdbEventLog, sizes: readonly number[], say: (line: string) => void): Promise<void> {
  // The kernel sends this signal where a file would pass the limit of the shell's ulimit.
  process.on("SIGXFSZ", () => undefined);
  for (const size of sizes) {
    const bytes = Buffer.alloc(size, 120);
    const one = { topic: SHARED_TOPIC, partition: 0, count: 1, bytes, starts: Int32Array.of(0) };
    await log.append([{ ...one, ends: Int32Array.of(size) }]).then(
      () => say("appended"),
      (error: unknown) => say(String((error as { code?: unknown }).code)),
    );
  }
}

async function tail(log: LmdbEventLog, count: number, say: (line: string) => void): Promise<void> {
  const reader = await log.reader(SHARED_TOPIC, 0, 0);
  say("ready");
  for (let seen = 0; seen < count; ) {
    const batch = reader.read({ recordsMax: 100, bytesMax: 1 << 20 });
    if (batch === null) {
      await reader.wait(WAIT_MS);
      continue;
    }
    for (let i = 0; i < batch.count; i++) {
      say(Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])).toString());
    }
    seen += batch.count;
  }
}

const port = parentPort;
if (port !== null && workerData?.errand !== undefined) {
  await run(workerData.errand as LogErrand, (line) => port.postMessage(line));
} else if (process.argv[2] !== undefined && process.argv[1]?.endsWith("log-processes.fixture.ts")) {
  await run(JSON.parse(process.argv[2]) as LogErrand, (line) => void process.stdout.write(`${line}\n`));
}
