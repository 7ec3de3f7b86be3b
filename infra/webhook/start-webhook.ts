import { setTimeout as sleep } from "node:timers/promises";
import { Counter, Gauge, type Registry } from "prom-client";
import { HttpWebhookReceiver } from "../../stream/adapters/index.ts";
import { AlertWebhook, eventLoopScheduling, webhookSecretOf } from "../../stream/index.ts";
import type { Platform, PlatformLogger } from "../platform/platform.ts";
import { objectCursor } from "./object-cursor.ts";

const TIMEOUT_MS = 15_000;

/** Sends the platform's alerts where its settings say, with metrics of it; does nothing where they say nothing. */
export function startWebhook(
  { adapters, alertBus, config }: Platform,
  logger: PlatformLogger,
  registry: Registry,
): Pick<AlertWebhook, "begun" | "stop"> {
  const registers = [registry];
  const sent = new Counter({
    name: "millrace_webhook_alerts_total",
    help: "Alerts that the webhook's receiver took.",
    registers,
  });
  const failures = new Counter({
    name: "millrace_webhook_failures_total",
    help: "Messages to the webhook's receiver that it did not take; they are sent again.",
    registers,
  });
  let webhook: AlertWebhook | null = null;
  new Gauge({
    name: "millrace_webhook_failing_seconds",
    help: "For how long the webhook has not come on, mostly as its receiver takes nothing; 0 while all is well.",
    registers,
    collect() {
      this.set((webhook?.failingMs ?? 0) / 1000);
    },
  });
  const secret = webhookSecretOf(config.webhookSecret);
  if (config.webhookUrl === "" || secret === null)
    return { begun: Promise.resolve(), stop: async () => undefined };
  webhook = new AlertWebhook({
    alertBus,
    receiver: new HttpWebhookReceiver({
      ...{ url: config.webhookUrl, secret },
      ...{ timeoutMs: TIMEOUT_MS, clock: Date.now },
    }),
    cursor: objectCursor(adapters.objects),
    severityMin: config.webhookSeverityMin,
    clock: Date.now,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    nextTurn: () => eventLoopScheduling.nextTurn(),
    random: Math.random,
    logger,
    onSent: (alerts) => sent.inc(alerts),
    onFailed: () => failures.inc(),
  });
  return webhook;
}
