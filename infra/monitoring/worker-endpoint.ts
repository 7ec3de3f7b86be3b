import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { collectDefaultMetrics } from "prom-client";
import type { Config } from "../config/index.ts";
import type { GroupWorker } from "../platform/group-worker.ts";
import type { PlatformLogger } from "../platform/pipeline-runner.ts";
import { addGauge } from "./add-gauge.ts";
import type { WorkMetrics } from "./work-metrics.ts";

/** Worker processes of one machine that each find a port. */
const PORTS_TRIED = 64;
const PORT_MAX = 65_535;
const CONNECTIONS_MAX = 32;
/** A request must have arrived whole within this time. */
const REQUEST_MS_MAX = 5_000;

type Watched = Pick<GroupWorker, "waitingFor" | "taskIds">;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * What a worker process answers over HTTP: `/metrics` for Prometheus, `/health` (it lives) and `/ready` (all tasks
 * that the group has given it work). The first free port from the setting on is taken: several workers of one
 * machine have one each.
 */
export class WorkerEndpoint implements AsyncDisposable {
  private readonly metrics: WorkMetrics;
  private readonly server: Server;
  private worker: Watched | null = null;

  private constructor(metrics: WorkMetrics) {
    this.metrics = metrics;
    collectDefaultMetrics({ register: metrics.registry });
    this.addMetrics();
    this.server = createServer({ requestTimeout: REQUEST_MS_MAX }, (request, response) => {
      this.answer(request.method ?? "", request.url ?? "").then(
        (answer) => send(response, answer),
        () => send(response, { status: 500, type: "text/plain", body: "internal error\n" }),
      );
    });
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  /** Without a port it only warns: work goes on where nobody can look at it. */
  static async open(config: Config, logger: PlatformLogger, metrics: WorkMetrics): Promise<WorkerEndpoint> {
    const endpoint = new WorkerEndpoint(metrics);
    const { host, workerPort } = config;
    if (workerPort === 0) return endpoint;
    try {
      const port = await listenFrom(endpoint.server, host, workerPort);
      logger.info({ host, port }, "answers /metrics, /health and /ready");
    } catch (err) {
      logger.warn(
        { err, host, workerPort },
        "found no port for /metrics, /health and /ready; set workerPort",
      );
    }
    return endpoint;
  }

  /** The address that it listens on, or null where it has none. */
  get url(): string | null {
    const address = this.server.address();
    if (address === null || typeof address === "string") return null;
    const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  /** Tells of this worker from now on; before, the process waits for its servers. */
  watch(worker: Watched): void {
    this.worker = worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private waitingFor(): readonly string[] {
    return this.worker?.waitingFor() ?? ["it waits for its servers"];
  }

  private addMetrics(): void {
    addGauge(
      this.metrics.registry,
      "millrace_worker_ready",
      "1 where /ready of this worker process says so.",
      () => (this.waitingFor().length === 0 ? 1 : 0),
    );
    addGauge(
      this.metrics.registry,
      "millrace_worker_tasks",
      "Tasks that this process has been given.",
      () => this.worker?.taskIds.length ?? 0,
    );
  }

  private async answer(method: string, url: string): Promise<Answer> {
    if (method !== "GET" && method !== "HEAD") return text(405, "only GET\n");
    switch (url.replace(/\?.*/, "")) {
      case "/health":
        return json(200, { status: "live" });
      case "/ready": {
        const waitingFor = this.waitingFor();
        const ready = waitingFor.length === 0;
        return json(ready ? 200 : 503, { ready, waitingFor });
      }
      case "/metrics": {
        const { registry } = this.metrics;
        return { status: 200, type: registry.contentType, body: await registry.metrics() };
      }
      default:
        return text(404, "there are /metrics, /health and /ready\n");
    }
  }
}

/** Resolves to the port; rejects where none of those that are tried is free, or the address is not to be had. */
async function listenFrom(server: Server, host: string, first: number): Promise<number> {
  for (let port = first; ; port++) {
    try {
      server.listen({ host, port });
      await once(server, "listening");
      return port;
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!isTaken || port >= Math.min(first + PORTS_TRIED - 1, PORT_MAX)) throw error;
    }
  }
}

function json(status: number, value: object): Answer {
  return { status, type: "application/json; charset=utf-8", body: JSON.stringify(value) };
}

function text(status: number, body: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
