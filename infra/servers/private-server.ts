import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MillraceError } from "../../schema/index.ts";
import { isRunning, parseIdentity, self } from "../tools/process-identity.ts";
import { Installer, type Say, serversCache } from "./installer.ts";
import { isPortFree } from "./probes.ts";
import { runningServer, startServer, stopServer } from "./server-process.ts";
import type { Endpoints, Instance, ServerName, ServerSpec } from "./server-spec.ts";
import { specs } from "./specs.ts";

/** Below the range from which systems take the ports of outgoing connections: a restart gets its port again. */
const PORT_MIN = 20_000;
const PORT_MAX = 28_000;
const PORT_TRIES_MAX = 200;
/** `FOLDER.owner` names the process that a private server belongs to. */
const OWNER = ".owner";

export interface PrivateServerOptions {
  /** Of the servers that it needs: the tests' shared ones, or private ones. */
  readonly endpoints?: Partial<Endpoints>;
  /** More settings of Kafka (`server.properties`) or Redis (arguments) for the port that it got, a line each. */
  readonly settings?: (port: number) => readonly string[];
  readonly say?: Say;
}

/** A server of one test or experiment, on a port and data folder of its own, that may be treated badly. */
export interface PrivateServer<N extends ServerName> {
  readonly endpoint: Endpoints[N];
  /** Of its process; null while none runs. */
  readonly pid: number | null;
  /** Ends it at once; resolves when the process is gone. Its data stays. */
  kill(): Promise<void>;
  /** Stops it in an orderly way. Its data stays. */
  stop(): Promise<void>;
  /** The process stands still (SIGSTOP): connections stay open and nobody answers. */
  pause(): void;
  resume(): void;
  /** Starts it again, killed or stopped or running, on its port and its data; resolves when it is ready. */
  restart(): Promise<void>;
  /** Kills it and deletes its data. */
  remove(): Promise<void>;
}

let started = 0;

/**
 * Starts a server that nothing else uses; installs it if need be. What its process does not remove
 * before it ends, {@link removeAbandonedServers} does.
 */
export async function startPrivateServer<N extends ServerName>(
  name: N,
  options: PrivateServerOptions = {},
): Promise<PrivateServer<N>> {
  const spec: ServerSpec<N> = specs[name];
  const say = options.say ?? (() => {});
  const port = await freePort(spec.port.count);
  const instance: Instance = {
    installed: await spec.install(new Installer(serversCache(), say)),
    folder: newFolder(name),
    port,
    settings: options.settings?.(port) ?? [],
    endpoint: (needed) => givenEndpoint(options.endpoints ?? {}, needed),
  };
  const { folder } = instance;
  const start = () => startServer(spec, instance, "start the private server again");
  const signal = (kind: "SIGSTOP" | "SIGCONT"): void => {
    const running = runningServer(folder);
    if (running !== null) process.kill(running.pid, kind);
  };
  await start().catch(async (error: unknown) => {
    await removeServer(folder);
    throw error;
  });
  return {
    endpoint: spec.endpoint(instance),
    get pid() {
      return runningServer(folder)?.pid ?? null;
    },
    kill: () => stopServer(folder, "SIGKILL"),
    stop: () => stopServer(folder),
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async restart() {
      await stopServer(folder);
      await start();
    },
    remove: () => removeServer(folder),
  };
}

/** Ends private servers whose process is gone, and deletes their data. */
export async function removeAbandonedServers(): Promise<void> {
  mkdirSync(privateFolder(), { recursive: true });
  for (const name of readdirSync(privateFolder())) {
    if (!name.endsWith(OWNER)) continue;
    const owner = parseIdentity(readFileSync(join(privateFolder(), name), "utf8"));
    if (owner !== null && isRunning(owner)) continue;
    await removeServer(join(privateFolder(), name.slice(0, -OWNER.length)));
  }
}

/** The owner is written before there is a folder and deleted after it: what is left always has one. */
function newFolder(name: ServerName): string {
  started += 1;
  mkdirSync(privateFolder(), { recursive: true });
  const folder = join(privateFolder(), `${name}-${Date.now().toString(36)}-${process.pid}-${started}`);
  writeFileSync(`${folder}${OWNER}`, JSON.stringify(self));
  mkdirSync(folder);
  return folder;
}

async function removeServer(folder: string): Promise<void> {
  await stopServer(folder, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  rmSync(`${folder}${OWNER}`, { force: true });
}

function privateFolder(): string {
  return join(serversCache(), "private");
}

/** The first of `count` free ports in a row. Of two who look at the same time, each begins elsewhere. */
async function freePort(count: number): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if ((await Promise.all(ports.map(isPortFree))).every(Boolean)) return first;
  }
  throw new MillraceError(`found no free port between ${PORT_MIN} and ${PORT_MAX}: end what is not needed`, {
    code: "no-free-port",
    origin: "external",
  });
}

function givenEndpoint<N extends ServerName>(given: Partial<Endpoints>, needed: N): Endpoints[N] {
  const endpoint: Endpoints[N] | undefined = given[needed];
  if (endpoint !== undefined) return endpoint;
  throw new MillraceError(`a private server needs ${needed}: pass endpoints.${needed}`, {
    code: "endpoint-missing",
    origin: "internal",
  });
}
