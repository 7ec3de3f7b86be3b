import type { ApiServerDeps } from "../../api/index.ts";
import { createModelRegistry } from "../../ml/index.ts";
import { Collector, eventLoopScheduling } from "../../stream/index.ts";
import { deadLetterResendsOf } from "./dead-letter-resends.ts";
import type { Platform } from "./platform.ts";

/** What an API server takes of a platform; logger, settings and what else it shows are the caller's. */
export function apiPortsOf(platform: Platform): Omit<ApiServerDeps, "logger" | "config"> {
  const { queryEngine, hotStore, alertBus, log, adapters, config } = platform;
  return {
    queryEngine,
    hotStore,
    alertBus,
    eventLog: log,
    pipeline: platform,
    collector: new Collector({
      log,
      decoding: config,
      clock: Date.now,
      nextTurn: eventLoopScheduling.nextTurn,
    }),
    resends: deadLetterResendsOf(platform),
    models: createModelRegistry(adapters.objects),
    clock: Date.now,
  };
}
