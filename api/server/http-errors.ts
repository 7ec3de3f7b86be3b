import type { FastifyError, FastifyInstance } from "fastify";
import type { GraphQLFormattedError } from "graphql";
import { MillraceError } from "../../schema/index.ts";

const RETRY_AFTER_SECONDS = 1;
/** Those that mean: again, in a moment. */
const AGAIN: ReadonlySet<number> = new Set([429, 503]);
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  "collector-busy": 429,
  unauthenticated: 401,
  forbidden: 403,
  "unknown-topic": 404,
  "body-too-large": 413,
  "too-many-events": 413,
  "unknown-media-type": 415,
  "unknown-encoding": 415,
};

/** Answers errors outside of GraphQL as it does: a stable code, whose fault it is, and nothing of our insides. */
export function registerHttpErrors(
  app: FastifyInstance,
  mask: (error: unknown) => GraphQLFormattedError,
): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = statusOf(error);
    const { message, code } = error;
    const isFastifys = status < 500 && !(error instanceof MillraceError);
    const shown = isFastifys ? { message, extensions: { code, origin: "user" } } : mask(error);
    if (AGAIN.has(status)) reply.header("retry-after", RETRY_AFTER_SECONDS);
    return reply.code(status).send({ errors: [shown] });
  });
}

function statusOf(error: FastifyError): number {
  if (!(error instanceof MillraceError)) return error.statusCode ?? 500;
  const status = STATUS_OF_CODE[error.code];
  if (status !== undefined) return status;
  if (error.origin === "user") return 400;
  return error.retry ? 503 : 500;
}
