import type { Registry } from "prom-client";
import { customerEventContract, MillraceError } from "../../schema/index.ts";
import { eventLoopScheduling } from "../../stream/index.ts";
import { HISTORY_QUERIES, retryEnvironment } from "../platform/adapters.ts";
import { committed, producedEnds } from "../platform/input-ends.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";
import { fileNonce } from "../platform/publish-sinks.ts";
import { runClaims } from "../turns/run-claims.ts";
import { startTurns, type Turns } from "../turns/start-turns.ts";
import { ReportMetrics, toldRun } from "./report-metrics.ts";
import { dailyReports } from "./reports.ts";
import { recentRuns, runDueReports } from "./run-due-reports.ts";
import type { ReportDeps } from "./run-report.ts";

/** Where the platform's processes, and commands, see to it that reports are made by one of them at a time. */
export const REPORT_CLAIMS = "reports/turns/";

/** How long a pipeline that keeps up may take for its next checkpoints: beside these, a minute. */
const CHECKPOINTS_WAITED = 2;
const WAIT_MS_MIN = 60_000;

/** Makes a platform's daily reports as they fall due; of several processes one at a time does. */
export function platformReports(platform: Platform, logger: PlatformLogger, registry: Registry): Turns {
  const { adapters, config } = platform;
  const intervalMs = config.reportsIntervalMs;
  const metrics = new ReportMetrics(registry, { intervalMs, clock: Date.now });
  return startTurns({
    intervalMs,
    clock: Date.now,
    after: eventLoopScheduling.after,
    claims: runClaims(adapters.objects, REPORT_CLAIMS, Date.now),
    run: (signal, renew) => reportTurn(platform, { logger, metrics, signal, renew }),
    look: (signal) => reportLook(platform, metrics, signal),
    onFailure: (err) => logger.warn({ err }, "daily reports could not be looked after; it is tried again"),
  });
}

export interface ReportTurn {
  readonly logger: PlatformLogger;
  readonly metrics: ReportMetrics;
  readonly signal: AbortSignal;
  readonly renew: () => Promise<void>;
}

/** What one process does in a turn. */
export async function reportTurn(
  platform: Platform,
  { logger, metrics, signal, renew }: ReportTurn,
): Promise<void> {
  const { adapters, config } = platform;
  const waitMs = WAIT_MS_MIN + CHECKPOINTS_WAITED * config.checkpointIntervalMs;
  // One of its own: what the API asks for must not wait behind it.
  const queryEngine = adapters.openQueryEngine(HISTORY_QUERIES);
  try {
    const isProcessed = () => eventsAreInLake(platform, { waitMs, signal });
    const deps = { ...reportDeps(platform, { queryEngine, clock: Date.now }), isProcessed };
    const { reportsDaysBack: daysBack, fileBytesMax } = config;
    const isCaughtUp = await runDueReports(dailyReports, deps, {
      ...{ daysBack, fileBytesMax, signal, renew },
      onRun(run) {
        metrics.ran(run);
        const { fields, message } = toldRun(run);
        if (run.status === "done") logger.info(fields, message);
        else logger.warn(fields, message);
      },
    });
    if (!isCaughtUp)
      logger.info({}, "daily reports wait until the pipeline has processed what they are about");
  } finally {
    await queryEngine.close();
  }
}

/** What every process does behind a turn: the record says how reports fare, whoever made them. */
export async function reportLook(
  { queryEngine, config }: Platform,
  metrics: ReportMetrics,
  signal: AbortSignal,
): Promise<void> {
  metrics.looked(await recentRuns({ queryEngine, clock: Date.now }, config.reportsDaysBack, signal));
}

/** What a report is made with. */
export function reportDeps(
  { adapters }: Platform,
  own: Pick<ReportDeps, "queryEngine" | "clock">,
): ReportDeps {
  const { catalog, objects, alertBus } = adapters;
  const { nextTurn } = eventLoopScheduling;
  return { catalog, objects, alertBus, ...retryEnvironment, ...own, nonce: fileNonce, nextTurn };
}

/** Whether all customer events that the log holds now are in the lake, or come there in that time. */
export async function eventsAreInLake(
  { log, config }: Pick<Platform, "log" | "config">,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const until = Date.now() + waitMs;
  const ends = await producedEnds(log, config.partitions);
  const events = ends.filter(({ topic }) => topic === customerEventContract.topic);
  try {
    await committed(log, config.kafkaGroup, events, () => {
      signal.throwIfAborted();
      if (Date.now() >= until) throw notYet();
    });
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code === NOT_YET) return false;
    throw error;
  }
}

const NOT_YET = "not-processed-yet";

function notYet(): MillraceError {
  return new MillraceError("events wait to be processed", { code: NOT_YET, origin: "internal", retry: true });
}
