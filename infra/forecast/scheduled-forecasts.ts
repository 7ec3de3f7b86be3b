import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker as Thread } from "node:worker_threads";
import type { LiveForecasts } from "../../ml/index.ts";
import type { Config } from "../config/index.ts";
import type { PlatformLogger } from "../platform/pipeline-runner.ts";
import type { ForecastLakeReport } from "./forecast-lake.ts";

export type FromForecastThread =
  | { readonly report: ForecastLakeReport }
  | { readonly failure: { readonly code: string; readonly message: string } }
  | { readonly warning: string };

/** A young lake has no whole day yet: looked at again after this. */
const RETRY_MS = 600_000;
/** How long a run may go on once the platform stops. */
const STOP_WAIT_MS = 3000;
/** Longest wait that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface ScheduledForecasts {
  /** How forecasts fared that came due with the newest run; null before it. */
  live(): LiveForecasts | null;
  stop(): Promise<void>;
}

/** Forecasts demand on a thread of its own, at once and then at the interval of the settings. */
export function startForecasts(config: Config, logger: PlatformLogger): ScheduledForecasts {
  let timer: NodeJS.Timeout | undefined;
  let thread: Thread | null = null;
  let stopped = config.forecastIntervalMs === 0;
  let live: LiveForecasts | null = null;

  function plan(waitMs: number): void {
    if (stopped) return;
    timer = setTimeout(run, Math.min(waitMs, TIMER_MS_MAX));
  }

  function run(): void {
    const entry = import.meta.url.endsWith(".ts") ? "./forecast-thread.ts" : "./forecast-thread.js";
    let waitMs = Math.min(RETRY_MS, config.forecastIntervalMs);
    thread = new Thread(new URL(entry, import.meta.url), { workerData: { config }, name: "forecast" });
    thread.on("message", (message: FromForecastThread) => {
      if ("report" in message) {
        waitMs = config.forecastIntervalMs;
        ({ live } = message.report);
        logger.info({ ...message.report }, "demand was forecast");
      } else if ("warning" in message) logger.warn({}, message.warning);
      // A lake without a whole day is no fault.
      else if (message.failure.code === "dataset-unusable") logger.info({}, message.failure.message);
      else logger.warn(message.failure, "demand could not be forecast; it is tried again");
    });
    thread.on("error", (err) => logger.warn({ err }, "demand could not be forecast; it is tried again"));
    thread.on("exit", () => {
      thread = null;
      plan(waitMs);
    });
  }

  plan(0);
  return {
    live: () => live,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      if (thread === null) return;
      // A run that is nearly done ends by itself; one that goes on computing is given up.
      const ended = once(thread, "exit");
      await Promise.race([ended, sleep(STOP_WAIT_MS, undefined, { ref: false })]);
      await thread?.terminate();
    },
  };
}
