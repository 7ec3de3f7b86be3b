import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { MillraceError } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import type { DistributedRun } from "./distributed-run.ts";
import { LossyProxy } from "./lossy-proxy.ts";

/** A server that may be killed, as `startPrivateServer` gives it. */
export interface KillableServer {
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface MatrixServers {
  readonly kafka: KillableServer;
  readonly minio: KillableServer;
  readonly redis: KillableServer;
  readonly catalog: KillableServer;
  readonly trino: KillableServer;
}

/** One kind of disturbance. */
export interface MatrixRow {
  readonly name: string;
  readonly workers: number;
  /** The hot store is emptied: of its values, what the tasks' state holds has to come back. */
  readonly losesHotValues?: boolean;
  /** Disturbs so many times as often as the others; by default once as often. */
  readonly oftener?: number;
  /** Point at which the workers that are started kill themselves. */
  readonly crashAt?: string;
  /** Puts something between the platform and its servers. */
  readonly around?: (config: Config) => Promise<{ readonly config: Config; close(): Promise<void> }>;
  /** Disturbs once, while records come; resolves when the disturbance is over. */
  readonly disturb: (run: DistributedRun) => Promise<void>;
}

const POINT_MS_MAX = 90_000;
/** Longer than the session: the others have the sleeper's tasks by then. */
const SLEEP_MS = 9_000;
/** Every so many commits one answer gets lost. */
const LOST_EVERY = 5;

/** Points of the checkpoint protocol at which a worker that has every task kills itself. */
export function pointRows(): MatrixRow[] {
  const points = [
    ["before upload", "before-stage"],
    ["after upload", "after-stage"],
    ["before prepare", "before-prepare#2"],
    ["after prepare", "after-prepare"],
    ["after prepare of another task", "after-prepare#2"],
    ["before the table commits", "before-publish:bronze.customer_events"],
    ["between the table commits", "after-publish:bronze.customer_events"],
    ["after the table commits", "after-publish:silver.events"],
    ["before the offset commit", "before-offset-commit"],
    ["after the offset commit", "after-offset-commit"],
  ];
  return points.map(([name, point]) => ({ name, crashAt: point, workers: 1, disturb: crashed }));
}

export function processRows(random: () => number): MatrixRow[] {
  return [
    {
      name: "SIGKILL at any moment, 2 workers",
      workers: 2,
      oftener: 2,
      async disturb(run) {
        await sleep(random() * 1_500);
        const victim = run.running[Math.floor(random() * run.running.length)];
        victim.signal("SIGKILL");
        await victim.ended;
      },
    },
    {
      name: "zombie: SIGSTOP, then SIGCONT",
      workers: 2,
      async disturb(run) {
        const zombie = run.running[Math.floor(random() * run.running.length)];
        zombie.signal("SIGSTOP");
        await run.feed.append(400, 20);
        await sleep(SLEEP_MS);
        zombie.signal("SIGCONT");
      },
    },
  ];
}

export function answerRows(): MatrixRow[] {
  return [
    {
      name: "commit answered, answer lost",
      workers: 1,
      around: (config) =>
        lossy(config, "catalogUri", ({ method, path }) => method === "POST" && path.includes("/tables/")),
      disturb: async (run) => void (await run.feed.append(400, 20)),
    },
    {
      name: "prepare answered, answer lost",
      workers: 1,
      around: (config) =>
        lossy(config, "s3Endpoint", ({ method, path }) => method === "PUT" && path.includes("/checkpoints/")),
      disturb: async (run) => void (await run.feed.append(400, 20)),
    },
  ];
}

/** @param servers that run when the row does */
export function serverRows(servers: () => MatrixServers): MatrixRow[] {
  const restart = (name: string, server: keyof MatrixServers, more: Partial<MatrixRow> = {}): MatrixRow => ({
    name: `${name} killed and started again`,
    workers: 2,
    async disturb(run) {
      const { [server]: killed } = servers();
      await killed.kill();
      const feeding = run.feed.append(400, 20);
      await sleep(1_000);
      await killed.restart();
      await feeding;
    },
    ...more,
  });
  return [
    restart("Kafka", "kafka"),
    restart("MinIO", "minio"),
    // It keeps nothing on disk: a restart is a flush.
    restart("Redis", "redis", { losesHotValues: true }),
    {
      name: "Redis flushed",
      workers: 2,
      losesHotValues: true,
      oftener: 1 / 3,
      async disturb(run) {
        const feeding = run.feed.append(400, 20);
        await promisify(execFile)("redis-cli", ["-u", run.config.redisUrl, "flushall"]);
        await feeding;
      },
    },
    restart("the catalog", "catalog"),
    restart("Trino", "trino", { disturb: (run) => withoutTrino(run, servers().trino) }),
  ];
}

/** Nothing of the stream goes through it; whoever asks meanwhile hears why, and is answered again behind it. */
async function withoutTrino(run: DistributedRun, trino: KillableServer): Promise<void> {
  const eventsSeen = async (): Promise<number> => {
    const { rows } = await run.platform.queryEngine.query("SELECT count(*) AS n FROM {silver.events}", []);
    return Number(rows[0].n);
  };
  const before = await eventsSeen();
  await trino.kill();
  const feeding = run.feed.append(400, 20);
  const refused = await eventsSeen().catch((error: unknown) => error);
  if (!(refused instanceof MillraceError && refused.retry))
    throw new Error(`a query without Trino ended with ${refused}`);
  await trino.restart();
  const after = await eventsSeen();
  if (after < before) throw new Error(`Trino saw ${before} events, and behind its restart ${after}`);
  await feeding;
}

async function crashed(run: DistributedRun): Promise<void> {
  const victim = run.first;
  const timer = setTimeout(() => victim.signal("SIGTERM"), POINT_MS_MAX);
  const end = await victim.ended;
  clearTimeout(timer);
  if (end !== "SIGKILL")
    throw new Error(`a worker did not come to its point, it ended with ${end}:\n${victim.log}`);
}

async function lossy(
  config: Config,
  key: "catalogUri" | "s3Endpoint",
  isCommit: (request: { readonly method: string; readonly path: string }) => boolean,
) {
  let commits = 0;
  const proxy = await LossyProxy.start(
    config[key],
    (request) => isCommit(request) && ++commits % LOST_EVERY === 0,
  );
  return { config: { ...config, [key]: proxy.url }, close: () => proxy.close() };
}
