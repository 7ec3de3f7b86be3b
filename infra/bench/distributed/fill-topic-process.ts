import { once } from "node:events";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs, { type Transaction } from "kafkajs";
import { createReferenceEvents, endOfInput } from "../../../stream/index.ts";
import { loadConfig } from "../../config/index.ts";
import { openAdapters } from "../../platform/adapters.ts";
import { kafkaConnection } from "../../topics/kafka-connection.ts";
import { sendResult } from "../child.ts";
import { sharedClockMs } from "../latency/shared-clock.ts";
import type { FillMessage, FillOptions } from "./fill-topic.ts";

/** Longest that a broker lets a transaction be open, unless it is set otherwise. */
const TRANSACTION_MS_MAX = 900_000;
/** Of one record batch: about 600 kB, below the 1 MB that topics take by default. */
const BATCH_EVENTS = 2500;
const TOPIC = "customer-events";

kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { buffer: Buffer }) =>
    promisify(zstdCompress)(buffer, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  decompress: promisify(zstdDecompress),
});

const { config } = loadConfig({ environment: process.env, folder: process.cwd() });
const options = JSON.parse(process.argv[2]) as FillOptions;
await fillTopic(options);
process.disconnect?.();

/**
 * Produces the reference events in one transaction and commits it when told to: readers, who wait for
 * it in peace, get all of them at one moment.
 */
async function fillTopic({ events, seed, codec }: FillOptions): Promise<void> {
  const { partitions } = config;
  const kafka = new kafkajs.Kafka({ ...kafkaConnection(config), logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: "bench-fill",
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_MS_MAX,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const source = createReferenceEvents({ events, seed, partitions, chunkEvents: BATCH_EVENTS * partitions });
  await sendAll(transaction, source, codec);
  const { malformed, bytes } = source.counts;
  await sendResult({ type: "filled", malformed, bytes } satisfies FillMessage);
  await once(process, "message");
  const at = sharedClockMs();
  await transaction.commit();
  const adapters = await openAdapters(config, Date.now);
  await adapters.log.append(
    Array.from({ length: partitions }, (_, partition) => endOfInput(TOPIC, partition)),
  );
  await sendResult({ type: "committed", at } satisfies FillMessage);
  await adapters.close();
  await producer.disconnect();
}

async function sendAll(
  transaction: Transaction,
  source: ReturnType<typeof createReferenceEvents>,
  codec: FillOptions["codec"],
): Promise<void> {
  const compression = codec === "zstd" ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None;
  for (const batches of source) {
    const messages = batches.flatMap(({ partition, count, bytes, starts, ends }) => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return Array.from({ length: count }, (_, i) => ({
        partition,
        value: buffer.subarray(starts[i], ends[i]),
      }));
    });
    await transaction.send({ topic: TOPIC, messages, compression, acks: -1 });
  }
}
