import { randomUUID } from "node:crypto";
import { type Alert, CATEGORY_REVENUE, HotNamespace } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { type Adapters, openAdapters } from "../../platform/adapters.ts";
import { platformTopics } from "../../platform/topics.ts";

/** What a platform holds beside the lake. */
export interface PlatformState {
  /** JSON value by `NAMESPACE/KEY`, of all given users and the aggregates. */
  readonly hot: ReadonlyMap<string, string>;
  /** Every alert of the bus, in its order. */
  readonly alerts: readonly Alert[];
  /** End offset by `TOPIC/PARTITION`, of the inputs. */
  readonly ends: ReadonlyMap<string, number>;
}

const USERS_AT_ONCE = 1000;

/** Reads a platform whose workers do nothing any more. */
export async function readPlatformState(config: Config, userIds: readonly string[]): Promise<PlatformState> {
  const adapters = await openAdapters(config, Date.now);
  try {
    return {
      hot: await readHot(adapters, userIds),
      alerts: await readAlerts(adapters),
      ends: await readEnds(adapters, config.partitions),
    };
  } finally {
    await adapters.close();
  }
}

async function readHot(
  { hotStore }: Adapters,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const hot = new Map<string, string>();
  const read = async (namespace: string, keys: readonly string[]): Promise<void> => {
    const values = await hotStore.getMany(namespace, keys);
    for (const [i, value] of values.entries()) if (value !== null) hot.set(`${namespace}/${keys[i]}`, value);
  };
  for (let from = 0; from < userIds.length; from += USERS_AT_ONCE) {
    const users = userIds.slice(from, from + USERS_AT_ONCE);
    await read(HotNamespace.users, users);
  }
  await read(HotNamespace.popularProducts, ["all"]);
  await read(CATEGORY_REVENUE, ["latest"]);
  return hot;
}

/** Up to one that is published behind them all: how many there are, a log with repeats does not tell. */
async function readAlerts({ alertBus }: Adapters): Promise<readonly Alert[]> {
  const last = lastAlert();
  await alertBus.publish([last]);
  const alerts: Alert[] = [];
  for await (const { alert } of alertBus.subscribe("begin", new AbortController().signal)) {
    if (alert.id === last.id) break;
    if (alert.kind !== last.kind) alerts.push(alert);
  }
  return alerts;
}

function lastAlert(): Alert {
  return {
    id: `end-of-reading:${randomUUID()}`,
    revision: 1,
    status: "raised",
    kind: "end-of-reading",
    severity: "low",
    title: "all alerts before this one were read",
    userId: null,
    productId: null,
    orderId: null,
    eventTime: 0,
    windowStart: null,
    windowEnd: null,
    figures: {},
  };
}

async function readEnds({ log }: Adapters, partitions: number): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  const topics = platformTopics({ partitions, retentionMs: null, alertRetentionMs: null });
  for (const { name, partitions: count } of topics) {
    // Pane blocks may be repeated in the log (their reader drops them), and alerts are compared as such.
    if (name === "product-panes" || name === "alerts") continue;
    for (let p = 0; p < count; p++) ends.set(`${name}/${p}`, (await log.offsets(name, p)).end);
  }
  return ends;
}
