import type { FastifyInstance } from "fastify";

const PREFLIGHT_SECONDS = 600;

/** Lets pages of the listed origins, and of no other, use these routes; cookies are never part of it. */
export function allowOrigins(
  app: FastifyInstance,
  allowed: readonly string[],
  routes: readonly string[],
): void {
  if (allowed.length === 0) return;
  app.addHook("onRequest", async (request, reply) => {
    if (!routes.includes(request.routeOptions.url ?? "")) return;
    reply.header("vary", "origin");
    const { origin } = request.headers;
    if (origin === undefined || !allowed.includes(origin)) return;
    reply.header("access-control-allow-origin", origin);
    if (request.method !== "OPTIONS") return;
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, POST")
      .header(
        "access-control-allow-headers",
        "content-type, content-encoding, authorization, apollo-require-preflight",
      )
      .header("access-control-max-age", PREFLIGHT_SECONDS)
      .send();
  });
}
