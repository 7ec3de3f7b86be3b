import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { packageRoot } from "./package-root.ts";

/** Pages load nothing from elsewhere; GraphiQL's editor sets styles inline and has its fonts as data. */
const CONTENT_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const GRAPHIQL_FILES = {
  "react.js": "react/umd/react.production.min.js",
  "react-dom.js": "react-dom/umd/react-dom.production.min.js",
  "graphiql.js": "graphiql/graphiql.min.js",
  "graphiql.css": "graphiql/graphiql.min.css",
} as const;

const GRAPHIQL_LINK = '<a href="/graphiql">GraphiQL</a>';

/** `/`, the page; `/graphiql` where it is wanted. All files come from this machine. */
export async function registerPages(
  app: FastifyInstance,
  options: { readonly graphiql: boolean },
): Promise<void> {
  const root = packageRoot();
  await app.register(fastifyStatic, { root: join(root, "api/web"), serve: false });
  app.addHook("onSend", async (_request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    if (String(reply.getHeader("content-type")).startsWith("text/html")) {
      reply.header("content-security-policy", CONTENT_POLICY);
    }
  });
  const page = (url: string, file: string) =>
    app.get(url, (_request, reply) => reply.sendFile(file, join(root, "api/web")));
  if (options.graphiql) page("/", "index.html");
  else {
    const html = (await readFile(join(root, "api/web/index.html"), "utf8")).replace(GRAPHIQL_LINK, "");
    app.get("/", (_request, reply) => reply.type("text/html; charset=utf-8").send(html));
  }
  for (const file of ["page.js", "graphql-socket.js", "style.css"]) page(`/web/${file}`, file);
  if (!options.graphiql) return;
  page("/graphiql", "graphiql.html");
  page("/web/graphiql-start.js", "graphiql-start.js");
  for (const [name, file] of Object.entries(GRAPHIQL_FILES)) {
    app.get(`/web/graphiql/${name}`, (_request, reply) =>
      reply.sendFile(file, join(root, "node_modules"), { immutable: true, maxAge: 86_400_000 }),
    );
  }
}
