import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type DocumentNode, parse } from "graphql";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { TestApi } from "../server/api.fixture.ts";

const KEY = "ann-0123456789abcdef";
const HEADERS = { Authorization: `Bearer ${KEY}` };

interface Observable {
  subscribe(sink: { next(result: unknown): void; complete(): void }): { unsubscribe(): void };
}
type Fetcher = (
  payload: { readonly query: string },
  options?: { readonly documentAST: DocumentNode; readonly headers?: Readonly<Record<string, string>> },
) => Promise<unknown> | Observable;

describe("GraphiQL", () => {
  let api: TestApi;
  let folder: string;
  let fetcher: Fetcher;
  beforeAll(async () => {
    api = await TestApi.start({ apiKeys: [{ name: "ann", role: "operator", key: KEY }] });
    folder = await mkdtemp(join(tmpdir(), "millrace-graphiql-"));
    fetcher = await fetcherOfPage();
  });
  afterAll(async () => {
    vi.unstubAllGlobals();
    await api.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs the page's script as a browser would, on a window that keeps what it renders. */
  async function fetcherOfPage(): Promise<Fetcher> {
    for (const file of ["graphql-socket.js", "graphiql-start.js"]) {
      const source = await readFile(join(import.meta.dirname, file), "utf8");
      await writeFile(
        join(folder, file.replace(/js$/, "mjs")),
        source.replace("/web/graphql-socket.js", "./graphql-socket.mjs"),
      );
    }
    let props: { fetcher: Fetcher } | undefined;
    vi.stubGlobal("window", {
      React: { createElement: (_type: unknown, given: { fetcher: Fetcher }) => (props = given) },
      ReactDOM: { createRoot: () => ({ render: () => undefined }) },
    });
    vi.stubGlobal("document", { getElementById: () => null });
    const { host, protocol } = new URL(api.server.url);
    vi.stubGlobal("location", { host, protocol });
    const { fetch } = globalThis;
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => fetch(`${api.server.url}${path}`, init));
    await import(pathToFileURL(join(folder, "graphiql-start.mjs")).href);
    if (props === undefined) throw new Error("the page rendered nothing");
    return props.fetcher;
  }

  const DISABLE = 'mutation { disableRule(id: "night-order") { changedBy } }';

  it("sends the headers of its editor over HTTP", async () => {
    const documentAST = parse(DISABLE);
    expect(await fetcher({ query: DISABLE }, { documentAST, headers: HEADERS })).toEqual({
      data: { disableRule: { changedBy: "ann" } },
    });
    expect(await fetcher({ query: DISABLE }, { documentAST })).toMatchObject({
      errors: [{ extensions: { code: "unauthenticated" } }],
    });
  });

  it("sends the headers of its editor with the first message of a subscription's socket", async () => {
    const sent: string[] = [];
    const { WebSocket: Socket } = globalThis;
    vi.stubGlobal(
      "WebSocket",
      class extends Socket {
        override send(message: string): void {
          sent.push(message);
          super.send(message);
        }
      },
    );
    const query = "subscription { alerts { id } }";
    const alerts = fetcher({ query }, { documentAST: parse(query), headers: HEADERS }) as Observable;
    const { unsubscribe } = alerts.subscribe({ next: () => undefined, complete: () => undefined });
    await vi.waitFor(() => expect(sent.length).toBe(2));
    unsubscribe();
    expect(JSON.parse(sent[0])).toEqual({ type: "connection_init", payload: HEADERS });
  });
});
