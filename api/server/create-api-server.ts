import { fastifyApolloHandler } from "@as-integrations/fastify";
import DataLoader from "dataloader";
import Fastify, { type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { QualityStatus, QueryEngine } from "../../lakehouse/index.ts";
import type { LiveForecasts, ModelRegistry } from "../../ml/index.ts";
import { MillraceError } from "../../schema/index.ts";
import {
  type AlertBus,
  type Collector,
  type DeadLetterResends,
  type EventLog,
  type HotStore,
  type PipelineStatus,
  RESEND_LETTERS_MAX,
} from "../../stream/index.ts";
import { AlertHub } from "../modules/alerts/hub.ts";
import type { Caller, NoCaller } from "../modules/common/caller.ts";
import type { ApiContext } from "../modules/common/context.ts";
import { PRODUCTS_A_QUERY_MAX, ProductActivityLoader } from "../modules/products/activity-loader.ts";
import { createCallers } from "./api-keys.ts";
import { createApollo } from "./apollo.ts";
import { COLLECT_ROUTE, registerCollect } from "./collect.ts";
import { type ApiConfig, apiConfigDefaults } from "./config.ts";
import { allowOrigins } from "./cross-origin.ts";
import { createErrorMasker } from "./error-masker.ts";
import { registerHttpErrors } from "./http-errors.ts";
import type { ApiLogger } from "./logger.ts";
import { type ApiMetrics, createMetrics } from "./metrics.ts";
import { registerPages } from "./pages.ts";
import { createReadinessProbe, type ReadinessProbe } from "./readiness.ts";
import { createApiSchema } from "./schema.ts";
import { createSocketServer } from "./socket-server.ts";

export interface ApiServerDeps {
  readonly queryEngine: QueryEngine;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  /** Takes changes of rules. */
  readonly eventLog: EventLog;
  /** Takes events that come over HTTP. */
  readonly collector: Pick<Collector, "collect">;
  /** Sends dead letters again. */
  readonly resends: DeadLetterResends;
  readonly pipeline: PipelineStatus;
  readonly models: ModelRegistry;
  /** How forecasts fared that came due with the newest run of this process; null before it. */
  readonly forecasts?: () => LiveForecasts | null;
  /** Metrics that are served with the API's. */
  readonly metrics?: Registry;
  /** What the checks of tables came to that this process runs by schedule. */
  readonly quality?: () => QualityStatus;
  readonly clock: () => number;
  readonly logger: ApiLogger;
  /** What is left out has the value of {@link apiConfigDefaults}. */
  readonly config: Partial<ApiConfig>;
}

export interface ApiServer {
  /** `http://127.0.0.1:4000`, with the port that was taken. */
  readonly url: string;
  /** Ends subscriptions and requests under way, soon by force, then frees the port. The ports given stay open. */
  close(): Promise<void>;
}

/** Starts the API; resolves when it listens. Rejects with `listen-failed` where the address is not to be had. */
export async function createApiServer(deps: ApiServerDeps): Promise<ApiServer> {
  const { alertBus, clock, logger, pipeline } = deps;
  const config: ApiConfig = { ...apiConfigDefaults, ...deps.config };
  const { schema, products, deadLetters } = createApiSchema(deps);
  const callerOf = createCallers(config.apiKeys);
  const alertHub = new AlertHub(
    alertBus,
    { queueMax: config.subscriberQueueMax, ringMax: config.alertRingMax },
    (err) => logger.error({ err }, "alert bus failed"),
  );
  const createContext = (caller: Caller | NoCaller, closeSlow?: (error: Error) => void): ApiContext => ({
    alertHub,
    caller,
    products: new DataLoader((ids: readonly string[]) => products.byIds(ids), {
      maxBatchSize: PRODUCTS_A_QUERY_MAX,
    }),
    productActivity: new ProductActivityLoader(products),
    deadLetterResends: new DataLoader((keys: readonly string[]) => deadLetters.resendsOf(keys), {
      maxBatchSize: RESEND_LETTERS_MAX,
    }),
    ...(closeSlow && { closeSlow }),
  });
  const maskError = createErrorMasker(logger, { hideSchema: config.production });
  const mask: typeof maskError = (error) => {
    const shown = maskError(error);
    metrics.observeError(shown.extensions?.origin);
    return shown;
  };
  const app = Fastify({
    logger: false,
    bodyLimit: config.requestBytesMax,
    requestTimeout: config.requestTimeoutMs,
  });
  registerHttpErrors(app, mask);
  const apollo = createApollo({ schema, config, logger, mask });
  await apollo.start();
  const sockets = createSocketServer(app.server, {
    ...{ schema, config, logger, mask },
    createContext: (authorization, closeSlow) => createContext(callerOf(authorization), closeSlow),
  });
  const readiness = createReadinessProbe({ ...deps, timeoutMs: config.probeTimeoutMs });
  const metrics = createMetrics({
    ...{ pipeline, clock, readiness, hub: alertHub, sockets: () => sockets.open },
    forecasts: deps.forecasts ?? (() => null),
    further: deps.metrics ?? null,
    quality: deps.quality ?? (() => null),
  });
  observeRequests(app, metrics);
  allowOrigins(app, config.allowedOrigins, ["/graphql", COLLECT_ROUTE]);
  app.route({
    url: "/graphql",
    method: ["GET", "POST", "OPTIONS"],
    handler: fastifyApolloHandler(apollo, {
      context: async ({ headers }) => createContext(callerOf(headers.authorization)),
    }),
  });
  registerCollect(app, { collector: deps.collector, callerOf, config, observe: metrics.observeCollected });
  registerProbes(app, metrics, readiness);
  await registerPages(app, { graphiql: !config.production });
  alertHub.start();
  const close = async () => {
    alertHub.close();
    await sockets.close();
    const overdue = setTimeout(() => app.server.closeAllConnections(), config.closeWithinMs);
    await app.close().finally(() => clearTimeout(overdue));
    await apollo.stop();
  };
  try {
    return { url: await app.listen({ host: config.host, port: config.port }), close };
  } catch (cause) {
    await close();
    throw new MillraceError(
      `The API cannot listen on ${config.host}:${config.port}: ${(cause as Error).message}. Free it, or choose another by --host and --port.`,
      { code: "listen-failed", origin: "user", cause },
    );
  }
}

function registerProbes(app: FastifyInstance, metrics: ApiMetrics, probe: ReadinessProbe): void {
  app.get("/health", async () => ({ status: "live" }));
  app.get("/ready", async (_request, reply) => {
    const readiness = await probe();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}

function observeRequests(app: FastifyInstance, metrics: ApiMetrics): void {
  app.addHook("onResponse", async (request, reply) => {
    metrics.observeRequest({
      method: request.method,
      // The pattern, not the path: a scan of made-up paths must not make a series each.
      route: request.routeOptions.url ?? "unknown",
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
}
