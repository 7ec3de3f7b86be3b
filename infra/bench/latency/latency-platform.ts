import { once } from "node:events";
import { Worker as Thread } from "node:worker_threads";
import { createApiServer } from "../../../api/index.ts";
import { apiPortsOf } from "../../platform/api-ports.ts";
import { Platform, type PlatformLogger } from "../../platform/platform.ts";
import { sendResult } from "../child.ts";
import { benchConfig } from "../reference-job.ts";
import type { ProducerOptions, ProducerResult } from "./producer-thread.ts";

/** What the platform's process tells the bench: where to subscribe, then what it has measured. */
export type PlatformMessage =
  | { readonly type: "listening"; readonly url: string }
  | {
      readonly type: "measured";
      readonly sentAt: readonly number[];
      readonly seenAt: readonly number[];
      readonly appendMs: readonly number[];
      readonly events: number;
      readonly seconds: number;
    };

type Load = Omit<ProducerOptions, "home" | "partitions">;

/** Time after the last append in which its alert may still come. */
const SETTLE_MS = 2000;

const loud =
  (severity: string) =>
  (fields: object, message: string): void =>
    void process.stderr.write(
      `${severity}: ${message} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.stack : value))}\n`,
    );
const logger: PlatformLogger = { info: () => undefined, warn: loud("warning"), error: loud("error") };

const [home, options, workers] = process.argv.slice(2);
await run(home, JSON.parse(options) as Load, Number(workers));
process.disconnect?.();

/**
 * The real platform as `millrace up` runs it: worker threads, and the API on the main thread. The
 * producer and the bare reader are threads beside it, so that both of them and the worker learn of an
 * append in the same way.
 */
async function run(home: string, options: Load, workers: number): Promise<void> {
  const platform = await Platform.open(benchConfig(home, { workers }), logger);
  await platform.startWorkers();
  const api = await createApiServer({
    ...apiPortsOf(platform),
    logger,
    config: { host: "127.0.0.1", port: 0, production: true },
  });
  const { partitions } = platform.config;
  const bareReader = startThread("bare-reader-thread", { home, partitions });
  await once(bareReader, "message");
  await sendResult({ type: "listening", url: api.url } satisfies PlatformMessage);
  await once(process, "message");
  const producer = startThread("producer-thread", { home, partitions, ...options } satisfies ProducerOptions);
  const [produced] = (await once(producer, "message")) as [ProducerResult];
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  bareReader.postMessage("stop");
  const [seenAt] = (await once(bareReader, "message")) as [Float64Array];
  await sendResult({
    type: "measured",
    ...produced,
    seenAt: [...seenAt],
  } satisfies PlatformMessage);
  await api.close();
  await platform.close();
}

function startThread(name: string, workerData: unknown): Thread {
  return new Thread(new URL(`./${name}.js`, import.meta.url), { workerData, name });
}
