import { DeadLetterResends } from "../../stream/index.ts";
import { retryEnvironment } from "./adapters.ts";
import { crashPoint } from "./crash-point.ts";
import type { Platform } from "./platform.ts";

/** What sends the platform's dead letters again, by the rules that its pipeline decodes by. */
export function deadLetterResendsOf({ adapters, config, log, queryEngine }: Platform): DeadLetterResends {
  const { recordBytesMax, futureSkewMs } = config;
  return new DeadLetterResends({
    log,
    engine: queryEngine,
    decoding: { source: adapters.schemaSource, recordBytesMax, futureSkewMs },
    clock: Date.now,
    ...retryEnvironment,
    onPoint: crashPoint(process.env.MILLRACE_CRASH_AT),
  });
}
