import { execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { temporaryFolder } from "../testing.ts";

const run = promisify(execFile);

/** A Redis of one test's own, for what must not happen to the shared one. */
export interface OwnRedis {
  readonly port: number;
  readonly url: string;
  /** One command through redis-cli; what it prints. */
  command(...args: string[]): Promise<string>;
  kill(): Promise<void>;
  /** Again on the same port, empty. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startRedis(...settings: string[]): Promise<OwnRedis> {
  const port = await freePort();
  const folder = await temporaryFolder();
  let stop = async (): Promise<void> => {};
  const redis: OwnRedis = {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: async (...args) => (await run("redis-cli", ["-p", String(port), ...args])).stdout.trim(),
    kill: () => stop(),
    async start() {
      const fixed = ["--port", port, "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""].map(String);
      const child = spawn("redis-server", [...fixed, ...settings], { stdio: "ignore" });
      const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      stop = async () => {
        child.kill("SIGKILL");
        await exited;
      };
      await until(async () => /PONG|NOAUTH/.test(await redis.command("ping").catch(() => "")));
    },
    async remove() {
      await stop();
      await folder.remove();
    },
  };
  await redis.start();
  return redis;
}

/** Three primaries that share the slots. */
export async function startRedisCluster(): Promise<readonly OwnRedis[]> {
  const nodes: OwnRedis[] = [];
  for (let i = 0; i < 3; i++) {
    nodes.push(
      await startRedis(
        ...["--cluster-enabled", "yes", "--cluster-port", String(await freePort())],
        ...["--cluster-node-timeout", "2000"],
      ),
    );
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run("redis-cli", ["--cluster", "create", ...addresses, "--cluster-yes"]);
  for (const node of nodes) {
    await until(async () => (await node.command("cluster", "info")).includes("cluster_state:ok"));
  }
  return nodes;
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
