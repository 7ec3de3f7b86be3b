import { parentPort, workerData } from "node:worker_threads";
import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { HISTORY_QUERIES, openAdapters, retryEnvironment } from "../platform/adapters.ts";
import { fileNonce } from "../platform/publish-sinks.ts";
import { forecastLake } from "./forecast-lake.ts";
import { forecastOptions } from "./forecast-settings.ts";
import type { FromForecastThread } from "./scheduled-forecasts.ts";

/** One run, with adapters of its own: it computes for seconds, in which nobody else may have to wait. */
const port = parentPort;
if (port === null) throw new Error("forecast-thread runs on a worker thread only");
const { config } = workerData as { readonly config: Config };
const send = (message: FromForecastThread): void => port.postMessage(message);

const adapters = await openAdapters(config, Date.now, { warn: (warning) => send({ warning }) });
const queryEngine = adapters.openQueryEngine(HISTORY_QUERIES);
try {
  const deps = {
    ...adapters,
    ...retryEnvironment,
    queryEngine,
    clock: Date.now,
    nonce: fileNonce(),
  };
  send({ report: await forecastLake(deps, { ...forecastOptions(config), seed: 1 }) });
} catch (error) {
  const code = error instanceof MillraceError ? error.code : "unexpected";
  send({ failure: { code, message: error instanceof Error ? error.message : String(error) } });
} finally {
  await queryEngine.close();
  await adapters.close();
  port.close();
}
