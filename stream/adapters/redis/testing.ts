import { execFile, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort, temporaryFolder } from "../testing.ts";

const run = promisify(execFile);

/** One command through redis-cli; what it prints. */
export async function redisCli(url: string, ...args: string[]): Promise<string> {
  return (await run("redis-cli", ["-u", url, ...args])).stdout.trim();
}

export interface RedisCluster {
  /** Addresses of three primaries that share the slots. */
  readonly urls: readonly string[];
  remove(): Promise<void>;
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all([startNode(), startNode(), startNode()]);
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const urls = addresses.map((address) => `redis://${address}`);
  await run("redis-cli", ["--cluster", "create", ...addresses, "--cluster-yes"]);
  for (const url of urls) {
    await until(async () => (await redisCli(url, "cluster", "info")).includes("cluster_state:ok"));
  }
  return {
    urls,
    remove: async () => {
      await Promise.all(nodes.map((node) => node.remove()));
    },
  };
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

async function startNode(): Promise<{ readonly port: number; remove(): Promise<void> }> {
  const [port, busPort, folder] = [await freePort(), await freePort(), await temporaryFolder()];
  const settings = ["--port", port, "--cluster-port", busPort, "--bind", "127.0.0.1", "--dir", folder.path];
  const cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--save", ""];
  const child = spawn("redis-server", [...settings.map(String), ...cluster], { stdio: "ignore" });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await until(async () => (await redisCli(`redis://127.0.0.1:${port}`, "ping").catch(() => "")) === "PONG");
  return {
    port,
    remove: async () => {
      child.kill("SIGKILL");
      await exited;
      await folder.remove();
    },
  };
}
