import { quantile } from "../spread.ts";
import type { PlatformMessage } from "./latency-platform.ts";
import type { ProbeTimes } from "./probes.ts";

/** Latency in ms, by quantile. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LatencyRun {
  /** Start of the append call → alert of a rule at the subscriber. */
  readonly subscriber: Quantiles;
  /** The same for the alert of the fraud model, from the order's score on. */
  readonly fraud: Quantiles;
  /** Start of the append call → record seen by a reader of the log that does nothing else. */
  readonly bareReader: Quantiles;
  /** The producer's append call: commit and sync of the log. */
  readonly append: Quantiles;
  /** Over the bare reader's. */
  readonly p99Ratio: number;
  readonly fraudP99Ratio: number;
  readonly probes: number;
  /** Alerts of probes that never came; always 0, or the run is worth nothing. */
  readonly lost: number;
  readonly eventsPerSecond: number;
  readonly loadBefore: number;
}

type Measured = Omit<Extract<PlatformMessage, { type: "measured" }>, "type">;

export function latencyRun(
  measured: Measured,
  receivedAt: ProbeTimes,
  { warmUpMs, loadBefore }: { readonly warmUpMs: number; readonly loadBefore: number },
): LatencyRun {
  const { sentAt, seenAt, appendMs, events, seconds } = measured;
  const first = sentAt.findIndex((at) => at >= sentAt[0] + warmUpMs);
  const since = (ends: readonly number[]): number[] =>
    sentAt.flatMap((at, probe) => (probe >= first && ends[probe] !== undefined ? [ends[probe] - at] : []));
  const ofRule = since(receivedAt["order-amount"]);
  const ofModel = since(receivedAt.fraud);
  const bareReader = quantiles(since(seenAt));
  const subscriber = quantiles(ofRule);
  const fraud = quantiles(ofModel);
  return {
    subscriber,
    fraud,
    bareReader,
    append: quantiles(appendMs.slice(Math.floor((appendMs.length * warmUpMs) / (seconds * 1000)))),
    p99Ratio: round(subscriber.p99 / bareReader.p99),
    fraudP99Ratio: round(fraud.p99 / bareReader.p99),
    probes: sentAt.length - first,
    lost: 2 * (sentAt.length - first) - ofRule.length - ofModel.length,
    eventsPerSecond: Math.round(events / seconds),
    loadBefore: round(loadBefore),
  };
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => round(quantile(sorted, share));
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
