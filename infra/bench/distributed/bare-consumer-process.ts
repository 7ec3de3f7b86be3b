import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import kafkajs from "kafkajs";
import { loadConfig } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { kafkaConnection } from "../../topics/kafka-connection.ts";
import { sendResult } from "../child.ts";

/** What a consumer costs that only counts. */
export interface BareConsumerResult {
  readonly events: number;
  readonly bytes: number;
  readonly eventsPerSecond: number;
  readonly cpuMicrosPerEvent: number;
}

const TOPIC = "customer-events";
const READ_LIMITS = { recordsMax: 65_536, bytesMax: 16 << 20 };
const WAIT_MS = 200;
/** As the platform's reader asks for. */
const FETCH_BYTES_MAX = 4 << 20;

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const [kind, events] = process.argv.slice(2);
await sendResult(kind === "kafkajs" ? await countByKafkajs(Number(events)) : await countByReader());
process.disconnect?.();

async function countByReader(): Promise<BareConsumerResult> {
  const adapters = await openAdapters(config, Date.now);
  const { log } = adapters;
  const measure = startMeasure();
  let count = 0;
  let bytes = 0;
  const partitions = Array.from({ length: config.partitions }, (_, partition) => partition);
  await Promise.all(
    partitions.map(async (partition) => {
      const { begin, end } = await log.offsets(TOPIC, partition);
      const reader = await log.reader(TOPIC, partition, begin);
      while (reader.position < end) {
        const batch = reader.read(READ_LIMITS);
        if (batch === null) await reader.wait(WAIT_MS);
        else if (batch.control === "data") {
          count += batch.count;
          for (let i = 0; i < batch.count; i++) bytes += batch.ends[i] - batch.starts[i];
        }
      }
      reader.close();
    }),
  );
  const result = measure(count, bytes);
  await adapters.close();
  return result;
}

/** Until it has seen so many; the marks of the inputs' ends are not counted. */
async function countByKafkajs(events: number): Promise<BareConsumerResult> {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    decompress: promisify(zstdDecompress),
  });
  const kafka = new kafkajs.Kafka({ ...kafkaConnection(config), logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: "bench-bare-consumer",
    maxBytes: FETCH_BYTES_MAX,
    maxBytesPerPartition: FETCH_BYTES_MAX / config.partitions,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  let measure = startMeasure();
  consumer.on(consumer.events.GROUP_JOIN, () => {
    measure = startMeasure();
  });
  let count = 0;
  let bytes = 0;
  const all = Promise.withResolvers<void>();
  await consumer.run({
    eachBatch: async ({ batch: { messages } }) => {
      for (const { value } of messages) {
        if (value === null || value.length === 0) continue;
        count++;
        bytes += value.length;
      }
      if (count >= events) all.resolve();
    },
  });
  await all.promise;
  const result = measure(count, bytes);
  await consumer.disconnect();
  return result;
}

function startMeasure() {
  const start = performance.now();
  const cpu = process.cpuUsage();
  return (events: number, bytes: number): BareConsumerResult => {
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      events,
      bytes,
      eventsPerSecond: Math.round(events / seconds),
      cpuMicrosPerEvent: Math.round(((user + system) / events) * 1000) / 1000,
    };
  };
}
