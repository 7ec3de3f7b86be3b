import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  parse,
  validate,
} from "graphql";
import { MessageType, makeServer, type SubscribePayload } from "graphql-ws";
import { type WebSocket, WebSocketServer } from "ws";
import type { AlertStreamError } from "../modules/alerts/alert-stream-error.ts";
import type { ApiContext } from "../modules/common/context.ts";
import type { ApiConfig } from "./config.ts";
import { exceededLimit } from "./document-limits.ts";
import { type createErrorMasker, maskResult } from "./error-masker.ts";
import type { ApiLogger } from "./logger.ts";
import { SocketOperations } from "./socket-operations.ts";
import { validationRules } from "./validation-rules.ts";

const SUBPROTOCOL = "graphql-transport-ws";
/** Close codes of ours, in the range for applications. */
export const SocketClose = { tooSlow: 4290 } as const;
const CLOSE_REASON_BYTES_MAX = 123;
/** Time that clients have to answer the close of a server that stops. */
const CLOSE_GRACE_MS = 2_000;
const PING_INTERVAL_MS = 12_000;
/** Answers that wait for a client that does not read them, and goes on asking: beyond, its socket is cut. */
const ANSWERS_WAITING_BYTES_MAX = 8 * 1024 * 1024;

interface SocketServerDeps {
  readonly schema: GraphQLSchema;
  readonly config: ApiConfig;
  readonly logger: ApiLogger;
  readonly mask: ReturnType<typeof createErrorMasker>;
  /** @param authorization as clients of sockets send it, with their first message */
  readonly createContext: (authorization: unknown, closeSlow: (error: Error) => void) => ApiContext;
}

export interface SocketServer {
  readonly open: number;
  close(): Promise<void>;
}

/** GraphQL over WebSocket on `/graphql` of an HTTP server. */
export function createSocketServer(http: Server, deps: SocketServerDeps): SocketServer {
  const { config, logger } = deps;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.requestBytesMax,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    onSubscribe(context, id, payload) {
      const prepared = prepare(deps, context, id, payload);
      if ("schema" in prepared) context.extra.operations.begin(id, prepared);
      return prepared;
    },
    onOperation: (context, id, _payload, args, result) => context.extra.operations.opened(id, args, result),
    onComplete: (context, id) => context.extra.operations.completed(id),
    onNext: (_context, _id, _payload, _args, result) => maskResult(result, deps.mask) as never,
    onError: (_context, _id, _payload, errors) => errors.map(deps.mask),
  });
  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const refusal = refuse(request, config, sockets.clients.size);
    if (refusal !== null) {
      // Node hands the connection over without a listener: a client that is gone by now would end the process.
      stream.on("error", () => stream.destroy());
      // Nor does the server count it any more: who keeps his end open would keep the server from closing.
      stream.once("finish", () => stream.destroy());
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => serve(socket, protocol, logger));
  };
  http.on("upgrade", upgrade);
  return {
    get open() {
      return sockets.clients.size;
    },
    async close() {
      http.off("upgrade", upgrade);
      for (const client of sockets.clients) client.close(1001, "server stops");
      const grace = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
      }, CLOSE_GRACE_MS);
      await new Promise((resolve) => sockets.close(resolve));
      clearTimeout(grace);
    },
  };
}

/** Status line to refuse an upgrade with, or null. */
function refuse(request: IncomingMessage, config: ApiConfig, open: number): string | null {
  if (request.url?.split("?")[0] !== "/graphql") return "404 Not Found";
  if (!originAllowed(request, config.allowedOrigins)) return "403 Forbidden";
  return open >= config.socketsMax ? "503 Service Unavailable" : null;
}

/** Browsers always name the page's origin; a client without one is no page of another site. */
function originAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function serve(
  socket: WebSocket,
  protocol: ReturnType<typeof makeServer<Record<string, unknown>, SocketExtra>>,
  logger: ApiLogger,
): void {
  const operations = new SocketOperations();
  const cutWhereUnread = (): void => {
    if (socket.bufferedAmount > ANSWERS_WAITING_BYTES_MAX) socket.terminate();
  };
  socket.on("ping", cutWhereUnread);
  socket.on("error", (err) => logger.warn({ err }, "api socket error"));
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      // Resolves when the system took the bytes: that is what holds a subscription back.
      send: (data) =>
        new Promise((resolve) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(data, () => resolve());
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (receive) =>
        socket.on("message", (data) => {
          cutWhereUnread();
          if (socket.readyState !== socket.OPEN) return;
          receive(String(data)).catch((err: unknown) => {
            logger.error({ err }, "api socket message failed");
            socket.close(4500, "Internal error");
          });
        }),
    },
    { socket, operations },
  );
  const stopPings = keepAlive(socket);
  socket.once("close", (code, reason) => {
    stopPings();
    operations.end();
    void closed(code, String(reason));
  });
}

/** Ends sockets whose peer is gone without a word. */
function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  socket.on("pong", () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, PING_INTERVAL_MS);
  return () => clearInterval(timer);
}

interface SocketExtra {
  readonly socket: WebSocket;
  readonly operations: SocketOperations;
}

type SocketContext = {
  readonly extra: SocketExtra;
  readonly subscriptions: object;
  readonly connectionParams?: Readonly<Record<string, unknown>>;
};

function prepare(
  deps: SocketServerDeps,
  { extra, subscriptions, connectionParams }: SocketContext,
  id: string,
  payload: SubscribePayload,
): ExecutionArgs | readonly GraphQLError[] {
  const { config, schema } = deps;
  const running = Math.max(Object.keys(subscriptions).length, extra.operations.open + 1);
  if (running > config.operationsPerSocketMax) {
    const message = `At most ${config.operationsPerSocketMax} operations run on one socket. Complete some first.`;
    return [new GraphQLError(message, { extensions: { code: "operation-limit", origin: "user" } })];
  }
  const document = parsed(payload.query, config.tokensMax);
  if (document instanceof GraphQLError) return [document];
  const errors = validate(schema, document, validationRules(config));
  if (errors.length > 0) return errors;
  const measured = { document, operationName: payload.operationName, variables: payload.variables ?? {} };
  const limit = exceededLimit(schema, measured, config);
  if (limit !== null) return [limit];
  return {
    schema,
    document,
    operationName: payload.operationName,
    variableValues: payload.variables,
    contextValue: deps.createContext(authorizationIn(connectionParams ?? {}), (error) =>
      closeSlow(deps, extra.socket, id, error as AlertStreamError),
    ),
  };
}

/** What clients sent as one would a header, in whatever case. */
function authorizationIn(params: Readonly<Record<string, unknown>>): unknown {
  return Object.entries(params).find(([name]) => name.toLowerCase() === "authorization")?.[1];
}

function parsed(query: string, maxTokens: number): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { message, source, positions } = error;
    return new GraphQLError(message, { source, positions, extensions: { code: "GRAPHQL_PARSE_FAILED" } });
  }
}

/** Both ways to say where to go on: clients differ in which of them they show to the application. */
function closeSlow({ mask }: SocketServerDeps, socket: WebSocket, id: string, error: AlertStreamError): void {
  socket.send(JSON.stringify({ id, type: MessageType.Error, payload: [mask(error)] }), () => undefined);
  const reason = `${error.code} after=${error.cursor ?? ""}`;
  socket.close(SocketClose.tooSlow, Buffer.byteLength(reason) > CLOSE_REASON_BYTES_MAX ? error.code : reason);
}
