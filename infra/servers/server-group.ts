import { join } from "node:path";
import { makeDataFolder } from "../tools/make-folder.ts";
import { withLock } from "../tools/process-lock.ts";
import { Installer, type Say, serversCache } from "./installer.ts";
import { isServerReady, memoryMiB, runningServer, startServer, stopServer } from "./server-process.ts";
import type { Endpoints, Instance, ServerName, ServerSpec } from "./server-spec.ts";
import { specs, withDependents, withNeeded } from "./specs.ts";
import { type Environment, missingTools, toolsMissing } from "./tools.ts";

/** Longer than the slowest start. */
const START_LOCK_MS_MAX = 10 * 60_000;

export interface GroupOptions {
  /** Each server gets its own folder in it. */
  readonly folder: string;
  readonly portOf: (spec: ServerSpec) => number;
  /** How a person chooses another port for it. */
  readonly portAdvice: (spec: ServerSpec) => string;
  readonly say: Say;
  readonly environment?: Environment;
}

export interface ServerStatus {
  readonly name: ServerName;
  readonly title: string;
  readonly version: string;
  readonly port: number;
  readonly pid: number | null;
  readonly memoryMiB: number | null;
  readonly ready: boolean;
}

/** Servers that belong together: one folder, one set of ports, and each talks to the others of it. */
export class ServerGroup {
  readonly #options: GroupOptions;
  readonly #installer: Installer;
  readonly #environment: Environment;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#environment = options.environment ?? process.env;
    this.#installer = new Installer(serversCache(this.#environment), options.say);
  }

  /** Throws `tool-missing`, which names all that is missing for these servers and those they need. */
  async checkTools(names: readonly ServerName[], because?: string): Promise<void> {
    const tools = [];
    for (const name of withNeeded(names)) {
      const { install, run } = specs[name].tools;
      tools.push(...run, ...install);
    }
    const missing = await missingTools(tools, this.#environment);
    if (missing.length > 0) throw toolsMissing(missing, because);
  }

  /** Installs these servers and those they need, unless they are installed. */
  async install(names: readonly ServerName[]): Promise<void> {
    for (const name of withNeeded(names)) await specs[name].install(this.#installer);
  }

  /** Starts these servers and those they need, each when the ones before it are ready; running ones stay. */
  async start(names: readonly ServerName[]): Promise<void> {
    for (const name of withNeeded(names)) await this.#startOne(specs[name]);
  }

  /** Stops these servers and those that need them, in reverse order; those that were running. */
  async stop(names: readonly ServerName[], signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<ServerName[]> {
    const running = withDependents(names).filter((name) => runningServer(this.#folder(name)) !== null);
    for (const name of running.toReversed()) {
      this.#options.say(`${name}: stopping`);
      await stopServer(this.#folder(name), signal);
    }
    return running;
  }

  async status(names: readonly ServerName[]): Promise<ServerStatus[]> {
    return Promise.all(names.map((name) => this.#statusOf(specs[name])));
  }

  endpoint<N extends ServerName>(name: N): Endpoints[N] {
    const spec: ServerSpec<N> = specs[name];
    return spec.endpoint({ port: this.#port(spec), endpoint: (needed) => this.endpoint(needed) });
  }

  async #startOne(spec: ServerSpec): Promise<void> {
    const folder = this.#folder(spec.name);
    makeDataFolder(folder);
    await withLock(join(folder, "start.lock"), { waitMsMax: START_LOCK_MS_MAX }, async () => {
      const instance = { ...this.#address(spec), installed: await spec.install(this.#installer) };
      if (runningServer(folder) !== null) {
        if (await isServerReady(spec, instance)) return;
        await stopServer(folder);
      }
      const started = performance.now();
      await startServer(spec, instance, this.#options.portAdvice(spec));
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      this.#options.say(`${spec.name}: ready on port ${instance.port} after ${seconds} s`);
    });
  }

  async #statusOf(spec: ServerSpec): Promise<ServerStatus> {
    const { name, title, version } = spec;
    const running = runningServer(this.#folder(name));
    if (running === null) {
      return { name, title, version, port: this.#port(spec), pid: null, memoryMiB: null, ready: false };
    }
    const ready = await isServerReady(spec, { ...this.#address(spec), installed: "" });
    const { pid } = running;
    const port = running.ports[0];
    return { name, title, version: running.version, port, pid, memoryMiB: await memoryMiB(pid), ready };
  }

  #address(spec: ServerSpec): Omit<Instance, "installed"> {
    return {
      folder: this.#folder(spec.name),
      port: this.#port(spec),
      endpoint: (needed) => this.endpoint(needed),
    };
  }

  /** Of the running server, so that a changed variable does not hide it; else the one it would get. */
  #port(spec: ServerSpec): number {
    return runningServer(this.#folder(spec.name))?.ports[0] ?? this.#options.portOf(spec);
  }

  #folder(name: ServerName): string {
    return join(this.#options.folder, name);
  }
}
